"""Durations, sizes and rates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import duration, rate, size


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("250ms", 0.25), ("4h", 14400), ("1.5m", 90), ("2d", 172800), ("0s", 0)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [("512B", 512), ("1MiB", 1_048_576), ("1MB", 1_000_000), ("1.5KiB", 1536), ("2GiB", 2**31)],
)
def test_sizes_are_bytes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize(("text", "hertz"), [("50/s", 50), ("120/m", 2), ("36/h", 0.01), ("0.5/s", 0.5)])
def test_rates_are_per_second(text: str, hertz: float) -> None:
    assert rate(text) == pytest.approx(hertz)


@pytest.mark.parametrize("read", [duration, size, rate])
@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 s", "-5s", "5S", "1e3s", "5s\n", "٥s", "0/s", "5//s", "1mb", "inf s"]
)
def test_anything_else_is_refused_with_the_right_form(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(QuantityInvalid) as caught:
        read(text)
    assert "write it as" in caught.value.fix


@given(st.text(max_size=12))
def test_no_text_breaks_them_and_none_is_negative(text: str) -> None:
    for read in (duration, size, rate):
        try:
            assert read(text) >= 0
        except QuantityInvalid:
            continue
