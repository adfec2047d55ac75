"""A circuit breaker: a system that keeps failing is left alone for a while, then tried with one call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from interlock.foundation.clock import Clock


class BreakerState(StrEnum):
    """`closed` lets calls through, `open` lets none, `half_open` lets one through to see."""

    closed = "closed"
    open = "open"
    half_open = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, and for how long.

    It opens after *failures* in a row, or when of the last *window* calls (at least *least*) the part
    *error_rate* failed. It stays open for *pause* seconds.
    """

    failures: int = 5
    window: int = 50
    least: int = 20
    error_rate: float = 0.5
    pause: float = 10.0


class Breaker:
    """One system's breaker.

    `admit` gives a ticket, which goes back with what came of the call: `succeeded`, `failed` or `abandoned`
    (never sent, or cancelled). A ticket from before the last change of state is ignored, so that a late
    answer neither closes nor opens what has changed since. *on_change* hears of every new state. Not for
    several threads.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        limits: BreakerLimits | None = None,
        on_change: Callable[[BreakerState], None] | None = None,
    ) -> None:
        self._limits = limits or BreakerLimits()
        self._clock = clock
        self._on_change = on_change
        self._state = BreakerState.closed
        self._era = 1
        self._row = 0
        self._recent: deque[bool] = deque(maxlen=self._limits.window)
        self._failed = 0
        self._since = clock.monotonic()
        self._probe_since: float | None = None

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker whose pause is over is `half_open`."""
        if self._state is BreakerState.open and self._clock.monotonic() >= self._since + self._limits.pause:
            self._enter(BreakerState.half_open)
        return self._state

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be let through again; 0 unless open."""
        if self.state is not BreakerState.open:
            return 0.0
        return max(0.0, self._since + self._limits.pause - self._clock.monotonic())

    def admit(self) -> int:
        """Return a ticket for one call, or 0 if none may be made now.

        A probe that nobody reports on counts as lost after one more pause, and another is let through.
        """
        state = self.state
        if state is BreakerState.closed:
            return self._era
        if state is BreakerState.open:
            return 0
        now = self._clock.monotonic()
        if self._probe_since is not None and now < self._probe_since + self._limits.pause:
            return 0
        if self._probe_since is not None:
            self._era += 1
        self._probe_since = now
        return self._era

    def succeeded(self, ticket: int) -> None:
        """Say that the call of *ticket* was answered."""
        if ticket != self._era:
            return
        if self._state is BreakerState.half_open:
            self._enter(BreakerState.closed)
        else:
            self._row = 0
            self._remember(failed=False)

    def failed(self, ticket: int) -> None:
        """Say that the system did not answer the call of *ticket* as a working one would."""
        if ticket != self._era:
            return
        if self._state is BreakerState.half_open:
            self._enter(BreakerState.open)
            return
        self._row += 1
        self._remember(failed=True)
        limits = self._limits
        calls = len(self._recent)
        too_many = calls >= limits.least and self._failed / calls >= limits.error_rate
        if self._row >= limits.failures or too_many:
            self._enter(BreakerState.open)

    def abandoned(self, ticket: int) -> None:
        """Say that the call of *ticket* proved nothing: it was not sent, or the caller went away."""
        if ticket == self._era and self._state is BreakerState.half_open:
            self._probe_since = None

    def _remember(self, *, failed: bool) -> None:
        if len(self._recent) == self._recent.maxlen:
            self._failed -= self._recent[0]
        self._recent.append(failed)
        self._failed += failed

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._era += 1
        self._since = self._clock.monotonic()
        self._row = 0
        self._recent.clear()
        self._failed = 0
        self._probe_since = None
        if self._on_change is not None:
            self._on_change(state)
