"""The clock, and moments as text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.clock import Clock, SystemClock, parse_rfc3339, rfc3339
from interlock.testing.clock import FixedClock


def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    assert time.time() - 5 < clock.now() < time.time() + 5
    assert clock.monotonic() <= clock.monotonic()


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock: FixedClock = FixedClock(1000.0)
    held: Clock = clock
    assert (held.now(), held.monotonic()) == (1000.0, 0.0)
    clock.advance(2.5)
    assert (held.now(), held.monotonic()) == (1002.5, 2.5)
    clock.set(10.0)
    assert (held.now(), held.monotonic()) == (10.0, 2.5)
    with pytest.raises(ValueError, match="only advances"):
        clock.advance(-1)


def test_moments_are_written_in_one_form() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_767_225_600.25) == "2026-01-01T00:00:00.250000Z"
    assert parse_rfc3339("2026-01-01T02:00:00+02:00") == 1_767_225_600
    with pytest.raises(ValueError, match="offset"):
        parse_rfc3339("2026-01-01T00:00:00")


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_moments_come_back_and_sort_as_text(one: float, other: float) -> None:
    assert parse_rfc3339(rfc3339(one)) == pytest.approx(one, abs=1e-5)
    if abs(one - other) > 1e-5:
        assert (rfc3339(one) < rfc3339(other)) == (one < other)
