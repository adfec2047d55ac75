"""The health of targets, kept over calls and over reloads of the project: who is busy, who rests, who is ejected."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from interlock.foundation.clock import Clock
from interlock.governance.limits import Breaker, BreakerLimits
from interlock.intelligence.gateway.errors import ProviderFailure
from interlock.intelligence.gateway.messages import ModelReply
from interlock.intelligence.gateway.pins import Pin

LONGEST_REST = 300.0
"""The seconds that a target rests at most, however long its provider says."""

CHANGED = 300.0
"""The seconds after which a target that was not the pinned version is tried again."""

_EARLY = 0.05  # a pause may end a moment before the rest that it was for


class Health:
    """One instance of a target. Not for several threads.

    `admit` lets a call through or does not; each call that was let through is a `Visit`, which says what came of it and
    is left in the end.
    """

    def __init__(self, clock: Clock, limits: BreakerLimits) -> None:
        self._clock = clock
        self._breaker = Breaker(clock=clock, limits=limits)
        self._rests_until = 0.0
        self._reported: str | None = None
        self._reported_at = 0.0
        self.in_flight = 0
        self.calls = 0

    @property
    def rest(self) -> float:
        """Seconds until it may be asked again, as far as is known; 0 if it may be now."""
        return max(0.0, self._rests_until - self._clock.monotonic(), self._breaker.retry_after)

    def obstacle(self) -> str:
        """Return why it is not asked now: `resting`, since its provider wants so, or `ejected`, since it fails."""
        return "resting" if self._rests_until - self._clock.monotonic() > _EARLY else "ejected"

    def admit(self) -> Visit | None:
        """Return a visit for one call, or None if none may be made now."""
        if self._rests_until - self._clock.monotonic() > _EARLY:
            return None
        ticket = self._breaker.admit()
        if not ticket:
            return None
        self.in_flight += 1
        self.calls += 1
        return Visit(self, ticket)

    def answered(self, ticket: int, reply: ModelReply) -> None:
        """Take note of an answer to the call of *ticket*."""
        self._breaker.succeeded(ticket)
        self._reported, self._reported_at = reply.reported, self._clock.monotonic()
        self._rest(reply.rest)

    def failed(self, ticket: int, failure: ProviderFailure) -> None:
        """Take note that the call of *ticket* was not answered."""
        self._rest(failure.retry_after)
        if failure.unwell:
            self._breaker.failed(ticket)
        else:
            self._breaker.succeeded(ticket)

    def left(self, ticket: int) -> None:
        """Take note that the call of *ticket* is over."""
        self.in_flight -= 1
        self._breaker.abandoned(ticket)  # which changes nothing where it was reported

    def objection(self, pin: Pin) -> ProviderFailure | None:
        """Return why it need not be asked: it lately was another version than *pin* allows."""
        if self._reported is None or self._clock.monotonic() >= self._reported_at + CHANGED:
            return None
        return pin.objection(self._reported)

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            until = self._clock.monotonic() + min(seconds, LONGEST_REST)
            self._rests_until = max(self._rests_until, until)


class Visit:
    """One call to an instance. One that is left without a word before proved nothing of its health."""

    __slots__ = ("_health", "_over", "_ticket")

    def __init__(self, health: Health, ticket: int) -> None:
        self._health = health
        self._ticket = ticket
        self._over = False

    def leave(self) -> None:
        """Say that the call is over; said once more, it changes nothing."""
        if not self._over:
            self._over = True
            self._health.left(self._ticket)

    def answered(self, reply: ModelReply) -> None:
        """Say that the call was answered, whether or not the answer is used."""
        self._health.answered(self._ticket, reply)

    def failed(self, failure: ProviderFailure) -> None:
        """Say that the call was not answered."""
        self._health.failed(self._ticket, failure)


class Healths:
    """The health of everything that routes lead to, by what it is: who changes nothing of a target keeps its health."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[Hashable, Health] = {}

    def of(self, identity: Hashable, limits: BreakerLimits) -> Health:
        """Return the health of what *identity* stands for."""
        found = self._known.get((identity, limits))
        if found is None:
            found = self._known[identity, limits] = Health(self._clock, limits)
        return found

    def keep(self, identities: Iterable[tuple[Hashable, BreakerLimits]]) -> Healths:
        """Return the health of *identities* alone, shared with this one; the others are forgotten there."""
        kept = Healths(self._clock)
        kept._known = {key: self.of(*key) for key in identities}
        return kept
