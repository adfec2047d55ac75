"""What the headers of a model server say about when to come again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.providers.rests import rest, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "1e9"}, 0),
        ({"Retry-After": "9" * 400}, 0),
        ({"Retry-After": "Tue, 21 Jul 2026 07:00:07 GMT", "Date": "Tue, 21 Jul 2026 07:00:00 GMT"}, 7),
        ({"Retry-After": "Tue, 21 Jul 2026 07:00:07 GMT", "Date": "Tue, 21 Jul 2026 08:00:00 GMT"}, 0),
        ({"Retry-After": "Tue, 21 Jul 2020 07:00:07 GMT"}, 0),
        ({"Retry-After": "Tue, 99 Jul 2026 07:00:07 GMT"}, 0),
        ({"Retry-After": "5", "retry-after-ms": "250"}, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({}, 0),
    ],
)
def test_retry_after_is_read_in_every_form_that_is_in_use(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400),
        ("20ms", 0.02),
        ("2m", 120),
        ("59", 59),
        ("", 0),
        ("soon", 0),
        ("-5s", 0),
        ("s", 0),
        ("1s1h", 0),
    ],
)
def test_what_is_used_up_is_waited_for(reset: str, seconds: float) -> None:
    gone = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": reset}
    assert rest(gone) == pytest.approx(seconds)
    assert rest(gone | {"x-ratelimit-remaining-tokens": "1"}) == 0


@given(st.dictionaries(st.sampled_from(["Retry-After", "retry-after-ms", "Date"]), st.text(max_size=40)))
def test_no_header_breaks_the_reading(headers: dict[str, str]) -> None:
    assert 0 <= retry_after(headers) < 1e15
