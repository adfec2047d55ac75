"""The steps of one call to a system, each around the next: a place, repeats, a turn, a hold, a breaker, the call.

Bulkhead(Repeats(Turns(Holding(Breaking(Attempt)))))
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from interlock.foundation.clock import Clock
from interlock.governance.limits import Breaker, Bulkhead, Rate
from interlock.integration.connectors.errors import OperationExternal
from interlock.integration.connectors.interface import UNKNOWN, Answer, Connector, SystemLimits, failed, unanswered
from interlock.integration.systems.holding import Hold, Holding
from interlock.values.operations import Effect

GRACE = 0.5  # what a connector may be late before the call is given up for it
FIRST_PAUSE = 0.1
AWAY = frozenset({"unreachable", "timed_out", "connection_lost", "system_error", "connector_broke"})
"""Codes of problems that say that the system is not well, as opposed to not willing."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way. *deadline* is a moment of the monotonic clock; *repeatable* as the operation says."""

    operation: str
    effect: Effect
    arguments: Mapping[str, Any]
    key: str
    deadline: float
    repeatable: bool


class Step(Protocol):
    """One step of the way; the last is the call itself."""

    async def run(self, call: Call) -> Answer:
        """Return what came of *call*."""
        ...


class Attempt:
    """Makes the call, and turns whatever a connector should not do into an answer."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        left = call.deadline - self._clock.monotonic()
        if left <= 0:
            return failed("timed_out", "the time limit passed before the call could be made", sent=False)
        try:
            async with asyncio.timeout(left + GRACE):
                return await self._connector.call(call.operation, call.arguments, key=call.key, timeout=left)
        except TimeoutError:
            return unanswered(call.effect, "timed_out", "the connector did not hold its time limit", transient=True)
        except OperationExternal:
            raise
        except Exception as error:
            detail = f"the connector broke with {type(error).__name__}"
            return unanswered(call.effect, "connector_broke", detail)


class Breaking:
    """Leaves a system alone that keeps failing."""

    def __init__(self, inner: Step, breaker: Breaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def run(self, call: Call) -> Answer:
        ticket = self._breaker.admit()
        if not ticket:
            after = self._breaker.retry_after
            answer = failed("system_unavailable", "the system keeps failing and is left alone for a while", sent=False)
            return replace(answer, retry_after=after)
        try:
            answer = await self._inner.run(call)
        except BaseException:
            self._breaker.abandoned(ticket)
            raise
        if answer.problem is not None and answer.problem["code"] in AWAY:
            self._breaker.failed(ticket)
        elif answer.sent:
            self._breaker.succeeded(ticket)
        else:
            self._breaker.abandoned(ticket)
        return answer


class Turns:
    """Keeps to so many calls a second; waits for its turn within the time limit."""

    def __init__(self, inner: Step, rate: Rate, clock: Clock) -> None:
        self._inner = inner
        self._rate = rate
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        wait = self._rate.reserve(max(call.deadline - self._clock.monotonic(), 0.0))
        if wait is None:
            return failed("system_busy", "the system's rate limit leaves no turn within the time limit", sent=False)
        if wait > 0:
            await asyncio.sleep(wait)
        return await self._inner.run(call)


class Repeats:
    """Calls again where that is safe and may help, with growing, random pauses, within the time limit.

    Safe is an operation that says so, and any call that certainly never reached the system. Once an attempt may
    have had its effect, only a success settles the matter: a later refusal does not say what the first one did.
    """

    def __init__(self, inner: Step, retries: int, clock: Clock) -> None:
        self._inner = inner
        self._retries = retries
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        answer = await self._inner.run(call)
        doubtful = answer if answer.status == UNKNOWN else None
        for number in range(self._retries):
            if answer.succeeded or not answer.transient or not (call.repeatable or not answer.sent):
                break
            share = random.uniform(0.5, 1.0)  # noqa: S311 - a pause is no secret
            pause = max(answer.retry_after, FIRST_PAUSE * 2**number * share)
            if self._clock.monotonic() + pause >= call.deadline:
                break
            await asyncio.sleep(pause)
            answer = await self._inner.run(call)
            if doubtful is None and answer.status == UNKNOWN:
                doubtful = answer
        return answer if doubtful is None or answer.succeeded else doubtful


class Places:
    """Lets so many calls in at once and so many wait; others are turned away."""

    def __init__(self, inner: Step, bulkhead: Bulkhead, clock: Clock) -> None:
        self._inner = inner
        self._bulkhead = bulkhead
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        bulkhead = self._bulkhead
        if not bulkhead.try_enter() and not await bulkhead.enter(call.deadline - self._clock.monotonic()):
            return failed("system_busy", "too many calls to the system are under way", sent=False)
        try:
            return await self._inner.run(call)
        finally:
            bulkhead.leave()


def passage(
    connector: Connector, limits: SystemLimits, *, breaker: Breaker, bulkhead: Bulkhead, hold: Hold, clock: Clock
) -> Step:
    """Return the whole way to *connector* under *limits*."""
    step: Step = Holding(Breaking(Attempt(connector, clock), breaker), hold, clock)
    if limits.rate > 0:
        step = Turns(step, Rate(limits.rate, clock=clock), clock)
    if limits.retries > 0:
        step = Repeats(step, limits.retries, clock)
    return Places(step, bulkhead, clock)
