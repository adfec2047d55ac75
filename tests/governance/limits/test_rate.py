"""The token bucket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.limits import Rate
from interlock.testing.clock import FixedClock


def test_a_full_bucket_gives_its_burst_then_what_time_brings() -> None:
    clock = FixedClock()
    rate = Rate(2.0, clock=clock, burst=3)
    assert [rate.take() for _ in range(3)] == [0, 0, 0]
    assert rate.take() == pytest.approx(0.5)
    clock.advance(0.5)
    assert rate.take() == 0
    assert rate.take() == pytest.approx(0.5)


def test_what_was_refused_costs_nothing() -> None:
    clock = FixedClock()
    rate = Rate(1.0, clock=clock)
    assert rate.take() == 0
    for _ in range(10):
        assert rate.take() == pytest.approx(1.0)
    clock.advance(1.0)
    assert rate.take() == 0


def test_reservations_queue_up_to_their_limit() -> None:
    rate = Rate(10.0, clock=FixedClock(), burst=1)
    waits = [rate.reserve(0.25) for _ in range(5)]
    assert waits[:3] == [pytest.approx(0), pytest.approx(0.1), pytest.approx(0.2)]
    assert waits[3:] == [None, None]


def test_a_slow_rate_still_lets_one_through() -> None:
    clock = FixedClock()
    rate = Rate(0.01, clock=clock)
    assert rate.take() == 0
    assert rate.take() == pytest.approx(100)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Rate(0, clock=FixedClock())
    with pytest.raises(ValueError, match="bucket"):
        Rate(1, clock=FixedClock(), burst=2).take(3)


@given(
    st.floats(0.1, 100),
    st.floats(1, 50),
    st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=60),
)
def test_over_any_time_no_more_is_used_than_burst_and_rate_allow(
    per_second: float, burst: float, steps: list[tuple[float, bool]]
) -> None:
    clock = FixedClock()
    rate = Rate(per_second, clock=clock, burst=burst)
    used: list[float] = []
    for pause, reserve in steps:
        clock.advance(pause)
        wait = rate.reserve(1.0) if reserve else rate.take()
        if wait is not None and (reserve or wait == 0):
            used.append(clock.monotonic() + wait)
    for moment in used:
        done = sum(1 for other in used if other <= moment)
        assert done <= burst + per_second * moment + 1e-6
