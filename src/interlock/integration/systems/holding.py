"""A system that said that its limit is used up is left alone until it is there again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interlock.foundation.clock import Clock
from interlock.integration.connectors.interface import Answer, failed

if TYPE_CHECKING:
    from interlock.integration.systems.passage import Call, Step


class Hold:
    """Until when one system is left alone; at most *longest* seconds from when it said so."""

    def __init__(self, longest: float, clock: Clock) -> None:
        self._longest = longest
        self._clock = clock
        self._until = 0.0

    @property
    def left(self) -> float:
        """The seconds that are left; 0 for none."""
        return max(0.0, self._until - self._clock.monotonic())

    def heard(self, answer: Answer) -> None:
        """Take in what *answer* says; what was said before stands until it is over."""
        if answer.rest > 0:
            self._until = max(self._until, self._clock.monotonic() + min(answer.rest, self._longest))


class Holding:
    """Waits within the time limit until the system may be called again; says when, where that is too long."""

    def __init__(self, inner: Step, hold: Hold, clock: Clock) -> None:
        self._inner = inner
        self._hold = hold
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        """Return what came of *call*."""
        while (left := self._hold.left) > 0:
            if left >= call.deadline - self._clock.monotonic():
                return _later(left)
            await asyncio.sleep(left)
        answer = await self._inner.run(call)
        self._hold.heard(answer)
        return answer


def _later(seconds: float) -> Answer:
    detail = "the system said that its limit is used up, and is left alone until it is there again"
    answer = failed("rate_limited", detail, sent=False, transient=True)
    return answer.after(seconds)
