"""The circuit breaker."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.limits import Breaker, BreakerLimits, BreakerState
from interlock.testing.clock import FixedClock

LIMITS = BreakerLimits(failures=3, window=10, least=6, error_rate=0.5, pause=10)


def made(seen: list[BreakerState] | None = None) -> tuple[FixedClock, Breaker]:
    clock = FixedClock()
    return clock, Breaker(clock=clock, limits=LIMITS, on_change=seen.append if seen is not None else None)


def state(breaker: Breaker) -> str:
    return breaker.state.value


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    _, breaker = made()
    fail(breaker, 2)
    breaker.succeeded(breaker.admit())
    fail(breaker, 2)
    assert state(breaker) == "closed"
    fail(breaker, 1)
    assert state(breaker) == "open"
    assert breaker.admit() == 0
    assert breaker.retry_after == 10


def test_a_high_error_rate_opens_it_without_a_row() -> None:
    _, breaker = made()
    for index in range(6):
        ticket = breaker.admit()
        (breaker.failed if index % 2 else breaker.succeeded)(ticket)
    assert state(breaker) == "open"


def test_old_failures_leave_the_window() -> None:
    _, breaker = made()
    fail(breaker, 2)
    for _ in range(10):
        breaker.succeeded(breaker.admit())
    for _ in range(2):
        fail(breaker, 2)
        breaker.succeeded(breaker.admit())
    assert state(breaker) == "closed"


def test_after_the_pause_one_probe_goes_through_and_closes_it() -> None:
    seen: list[BreakerState] = []
    clock, breaker = made(seen)
    fail(breaker, 3)
    clock.advance(9.9)
    assert breaker.admit() == 0
    clock.advance(0.1)
    probe = breaker.admit()
    assert probe
    assert breaker.admit() == 0
    breaker.succeeded(probe)
    assert state(breaker) == "closed"
    assert seen == [BreakerState.open, BreakerState.half_open, BreakerState.closed]


def test_a_failed_probe_opens_it_for_another_pause() -> None:
    clock, breaker = made()
    fail(breaker, 3)
    clock.advance(10)
    breaker.failed(breaker.admit())
    assert state(breaker) == "open"
    assert breaker.retry_after == 10


def test_an_abandoned_probe_leaves_room_for_the_next() -> None:
    clock, breaker = made()
    fail(breaker, 3)
    clock.advance(10)
    breaker.abandoned(breaker.admit())
    assert breaker.admit()


def test_a_probe_that_nobody_reports_on_does_not_block_for_ever() -> None:
    clock, breaker = made()
    fail(breaker, 3)
    clock.advance(10)
    lost = breaker.admit()
    clock.advance(10)
    second = breaker.admit()
    assert second
    assert second != lost
    breaker.failed(lost)
    assert state(breaker) == "half_open"
    breaker.succeeded(second)
    assert state(breaker) == "closed"


def test_late_answers_from_before_a_change_are_ignored() -> None:
    clock, breaker = made()
    early = breaker.admit()
    fail(breaker, 3)
    clock.advance(10)
    probe = breaker.admit()
    breaker.succeeded(early)
    assert state(breaker) == "half_open"
    breaker.succeeded(probe)
    breaker.failed(early)
    fail(breaker, 2)
    assert state(breaker) == "closed"


STEP = st.sampled_from(["admit", "ok", "bad", "drop", "wait"])


@given(st.lists(STEP, max_size=200))
def test_an_open_one_admits_nobody_and_a_half_open_one_never_two(steps: list[str]) -> None:
    clock, breaker = made()
    tickets: list[int] = []
    for step in steps:
        before = breaker.state
        if step == "wait":
            clock.advance(4)
        elif step == "admit":
            ticket = breaker.admit()
            assert bool(ticket) <= (before is not BreakerState.open)
            if ticket and before is BreakerState.half_open:
                assert breaker.admit() == 0
            if ticket:
                tickets.append(ticket)
        elif tickets:
            report = {"ok": breaker.succeeded, "bad": breaker.failed, "drop": breaker.abandoned}[step]
            report(tickets.pop())
    clock.advance(20)
    assert breaker.admit()
