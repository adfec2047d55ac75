"""One call of a route while it runs: from target to target, each asked as often as the route allows, and no longer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from interlock.foundation.telemetry.overhead import waited
from interlock.intelligence.gateway.attempts import (
    LEFT,
    NOT_CLEARED,
    UNUSED,
    Asking,
    Attempts,
    OnModelCall,
    milliseconds,
)
from interlock.intelligence.gateway.begun import Patience, Way, remaining
from interlock.intelligence.gateway.conditions import ALWAYS, facts_of
from interlock.intelligence.gateway.errors import (
    ModelObjected,
    ModelTimedOut,
    ProviderFailure,
    RouteBroken,
    RouteExhausted,
    RouteNotCleared,
    RouteSlow,
)
from interlock.intelligence.gateway.guards import OBSERVE
from interlock.intelligence.gateway.health import Health, Healths
from interlock.intelligence.gateway.hedging import Race
from interlock.intelligence.gateway.messages import Answering, Delta, ModelReply, ModelRequest
from interlock.intelligence.gateway.routes import DECLINED, Instance, Route, RouteTarget
from interlock.intelligence.gateway.surroundings import Surroundings
from interlock.intelligence.gateway.terms import Terms, terms_of

Answers = AsyncGenerator[Answering | Sequence[Delta] | ModelReply, None]
"""An answer as it comes: who gives it, then what came together, last the whole."""


class Call:
    """Asks the targets of one route for the answer to one request."""

    def __init__(
        self,
        route: Route,
        request: ModelRequest,
        *,
        healths: Healths,
        surroundings: Surroundings,
        told: OnModelCall | None,
        way: Way,
    ) -> None:
        self._route = route
        self._way = way
        self._request = request
        self._healths = healths
        self._around = surroundings
        self._clock = surroundings.clock
        self._deadline = self._clock.monotonic() + route.timeout
        self._facts: dict[str, Any] | None = None
        self._attempts = Attempts(route, request, told)
        self._failures: list[ProviderFailure] = []
        self._eligible: list[RouteTarget] = []
        self._resting: list[RouteTarget] = []
        self._declined: Asking | None = None
        self._under_way: list[Asking] = []
        self._race: Race[Asking] = Race(self._leave)
        self._paused = 0.0
        self._asked_again: set[str] = set()
        self._lowered: dict[str, ModelRequest] = {}
        self._terms = terms_of(request.metadata, route.residency) if route.bounded else None

    async def run(self) -> ModelReply:
        """Return the answer, with all that was tried for it. Raises a kind of `RouteExhausted`."""
        return self._with_attempts(await self._begin())

    async def stream(self) -> Answers:
        """Yield the answer as it comes, last the whole of it with all that was tried for it.

        Raises a kind of `RouteExhausted`: before anything is yielded where no target began to answer, and
        `RouteBroken` where the one that did broke off. An answer that is left early is given up at the provider too.
        """
        asking = await self._begin()
        async with aclosing(self._rest(asking)) as pieces:
            async for piece in pieces:
                yield piece
        yield self._with_attempts(asking)

    async def _rest(self, asking: Asking) -> Answers:
        """Yield all but the whole, and see to it that the call is over when it ends, in whichever way."""
        begun, provider = asking.begun, asking.instance.provider
        assert begun is not None
        asked = self._attempts.asked + asking.under_way
        answering = Answering(asking.instance.name, provider.name, provider.model, asked)
        if not asking.under_way:
            yield answering
            yield begun.deltas
            return
        failure: ProviderFailure | None = None
        outcome = LEFT
        try:
            yield answering
            async with aclosing(remaining(begun)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelReply):
                        asking.reply = piece
                        failure = self._way.objection(piece)
                        outcome = "ok" if failure is None else failure.code
                    else:
                        asking.said += [delta.text for delta in piece]
                        yield piece
        except ProviderFailure as error:
            failure, outcome = error, error.code
        finally:
            await begun.close()
            await self._over(asking, outcome, failure)
        if failure is not None:
            broken = self._exhausted(failure.ends if isinstance(failure, ModelObjected) else RouteBroken)
            await self._attempts.unanswered(broken)
            raise broken from failure

    async def _over(self, asking: Asking, outcome: str, failure: ProviderFailure | None) -> None:
        """Take note of how an answer ended that was passed on as it came."""
        asking.elapsed, asking.outcome = milliseconds(self._clock.monotonic() - asking.began), outcome
        if asking.reply is not None:
            asking.visit.answered(asking.reply)
        elif failure is not None:
            asking.visit.failed(failure)
        asking.visit.leave()
        await self._attempts.note(asking, failure)

    async def _begin(self) -> Asking:
        budget = asyncio.timeout_at(self._request.begin_by)
        try:
            async with budget:
                return await self._answer()
        except RouteExhausted as error:
            await self._attempts.unanswered(error)
            raise
        except TimeoutError as error:
            if not budget.expired():
                raise
            slow = self._exhausted(RouteSlow)
            await self._attempts.unanswered(slow)
            raise slow from error

    def _with_attempts(self, asking: Asking) -> ModelReply:
        assert asking.reply is not None
        return replace(asking.reply, attempts=self._attempts.all)

    async def _answer(self) -> Asking:
        targets = iter(self._route.strategy.order(self._route.targets, self._around.chance))
        hedge = self._route.hedge
        if hedge is None:
            asking = await self._walk(targets)
        else:
            silence = self._silence(hedge.after)
            asking = await self._race.run(lambda: self._walk(targets), lambda: self._beside(targets), silence)
        if asking is not None:
            return asking
        if self._declined is None and self._resting and (asking := await self._patiently()) is not None:
            return asking
        if self._declined is not None:
            return self._declined
        if not self._eligible and any(one.outcome == NOT_CLEARED for one in self._attempts.all):
            raise self._exhausted(RouteNotCleared)
        refused = bool(self._failures) and all(failure.ends is not RouteExhausted for failure in self._failures)
        raise self._exhausted(self._failures[-1].ends if refused else RouteExhausted)

    async def _walk(self, targets: Iterator[RouteTarget]) -> Asking | None:
        """Ask one of *targets* after the other; return the first answer, or None."""
        for target in targets:
            if not self._fits(target) or not (self._terms is None or await self._cleared(target, self._terms)):
                continue
            self._eligible.append(target)
            if self._left() <= 0:
                self._attempts.passed(target.name, "no_time", "no time was left")
                break
            asking = await self._ask(target)
            if asking is not None:
                return asking
        return None

    async def _beside(self, targets: Iterator[RouteTarget]) -> Asking | None:
        """Ask another than the one that is silent: an instance of the same target, else the next of *targets*."""
        for silent in list(self._under_way):
            try:
                asking = await self._round(silent.target, {silent.instance.name})
            except ProviderFailure as failure:
                self._failed(failure)
                continue
            if asking is not None:
                return asking
        return await self._walk(targets)

    async def _silence(self, seconds: float) -> None:
        await self._around.pause(seconds)

    async def _patiently(self) -> Asking | None:
        """Wait for the first of those that only rest, where the route has retries and they leave time for it."""
        soonest = min(self._resting, key=self._resting_for)
        return await self._ask(soonest) if await self._wait(0, soonest) else None

    def _fits(self, target: RouteTarget) -> bool:
        """Return whether *target* may answer this request, and note why where it may not."""
        missing = target.missing()
        if missing:
            self._attempts.passed(target.name, "not_configured", f"not configured: {missing}")
            return False
        if target.when is not ALWAYS:
            if self._facts is None:
                self._facts = facts_of(self._route.name, self._request)
            verdict = target.when.verdict(self._facts)
            if verdict:
                self._attempts.passed(target.name, verdict)
                return False
        return True

    async def _cleared(self, target: RouteTarget, terms: Terms) -> bool:
        """Return whether *target* may be shown what the call holds, and note by which rule it may not."""
        broken = terms.broken(target.clearance, target.region)
        if broken is None:
            return True
        if self._route.guards.mode == OBSERVE:
            await self._attempts.bent(broken, "observed")
            return True
        if self._lower(target, terms):
            await self._attempts.bent(broken, "replaced")
            return True
        self._attempts.passed(target.name, NOT_CLEARED, f"rule {broken.rule!r}: {broken.words}")
        return False

    def _lower(self, target: RouteTarget, terms: Terms) -> bool:
        """Return whether *target* may be shown what is left where all that is above its clearance is left out."""
        request = self._request
        less = request.lowered(request, target.clearance) if request.lowered is not None else None
        if less is None:
            return False
        now = terms_of(less.metadata, terms.rules)
        if now.broken(target.clearance, target.region) is not None:
            return False
        self._lowered[target.name] = less
        return True

    async def _ask(self, target: RouteTarget) -> Asking | None:
        """Return the answer of *target*, asked as often as may be; None where the next one is to be asked."""
        retried = 0
        while True:
            try:
                return await self._round(target)
            except ProviderFailure as error:
                failure = error
            if not failure.repeatable or not await self._wait(retried, target):
                break
            retried += 1
        self._failed(failure)
        return None

    def _failed(self, failure: ProviderFailure) -> None:
        """Take note of what a target came to. Raises a kind of `RouteExhausted` where no other is asked after it."""
        self._failures.append(failure)
        if not self._route.goes_on(failure.cause):
            raise self._exhausted(failure.ends) from failure

    async def _round(self, target: RouteTarget, beside: AbstractSet[str] = frozenset()) -> Asking | None:
        """Ask the instances of *target*, the least busy first and each once, until one settles the matter.

        Those *beside* are being asked. Return None where none may be asked now, or where the answer is not to be used.
        Raises what the last one did.
        """
        asked = set(beside)
        failure: ProviderFailure | None = None
        while self._left() > 0 and (asking := self._admit(target, asked)) is not None:
            asked.add(asking.instance.name)
            try:
                return await self._attempt(asking)
            except ModelObjected as error:
                return await self._once_more(asking, error)
            except ProviderFailure as error:
                failure = error
            if not failure.repeatable and not self._route.goes_on(failure.cause):
                break
            if failure.cause == "refusal":
                break  # its siblings would refuse it too
        if failure is not None:
            raise failure
        return None

    async def _once_more(self, asking: Asking, objected: ModelObjected) -> Asking | None:
        """Ask again where an answer is objected to that can be done better, with what is wrong with it.

        A target is asked so at most once in a call. Raises *objected* where that is of no use.
        """
        target, reply = asking.target, asking.reply
        if not objected.wanted or reply is None or target.name in self._asked_again or self._left() <= 0:
            raise objected
        self._asked_again.add(target.name)
        visit = self._health(asking.instance).admit()
        if visit is None:
            raise objected
        again = Asking(target, asking.instance, visit)
        again.request = (asking.request or self._request).again(reply.text, objected.wanted)
        try:
            return await self._attempt(again)
        except ModelObjected:
            raise
        except ProviderFailure as failure:
            raise objected from failure

    def _admit(self, target: RouteTarget, asked: set[str]) -> Asking | None:
        """Return the least busy instance that may be asked and is not among *asked*.

        Where none may at all, that is noted; a change of all of them that is still remembered is raised.
        """
        busy = [asking.instance for asking in self._under_way]
        left = [one for one in target.instances if one.name not in asked and one not in busy]
        left = [one for one in left if not one.provider.missing()]
        ready = [(self._health(instance), instance) for instance in left]
        changed: ProviderFailure | None = None
        passed: list[tuple[str, str, str]] = []
        for health, instance in sorted(ready, key=lambda one: (one[0].in_flight, one[0].calls)):
            objection = health.objection(target.pin)
            visit = health.admit() if objection is None else None
            if visit is not None:
                paused, self._paused = self._paused, 0.0
                asking = Asking(target, instance, visit, milliseconds(paused))
                asking.request = self._lowered.get(target.name)
                return asking
            if objection is not None:
                changed = objection
                passed.append((instance.name, objection.code, objection.why))
            else:
                passed.append((instance.name, health.obstacle(), ""))
        if asked:
            return None
        for name, outcome, why in passed:
            self._attempts.passed(name, outcome, why)
        if changed is not None:
            raise changed
        self._resting.append(target)
        return None

    async def _attempt(self, asking: Asking) -> Asking | None:
        """Ask one instance once; return it with its answer, or None where the model declined and another is asked."""
        self._under_way.append(asking)
        try:
            return await self._asked(asking)
        except asyncio.CancelledError:
            await self._leave(asking)
            raise
        finally:
            self._under_way.remove(asking)

    async def _leave(self, asking: Asking) -> None:
        """Give up an answer that nobody waits for any more, and take note of it unless that was done."""
        if asking.outcome:
            return
        if asking.begun is not None:
            await asking.begun.close()
        if asking.under_way:
            asking.visit.leave()
        asking.outcome = LEFT if asking.reply is None else UNUSED
        await self._attempts.note(asking, None)

    async def _asked(self, asking: Asking) -> Asking | None:
        target = asking.target
        patience = Patience(min(target.timeout, self._left()), target.first, target.idle)
        failure: ProviderFailure | None = None
        asking.began = self._clock.monotonic()
        try:
            begun = asking.begun = await self._way.begin(
                asking.instance.provider, asking.request or self._request, patience
            )
            asking.reply = begun.reply
            if begun.reply is not None:
                asking.visit.answered(begun.reply)
            failure = target.pin.objection(begun.reported)
            if failure is None and begun.reply is not None:
                failure = self._way.objection(begun.reply)
            if failure is None and not self._passed_on(begun.reply):
                await self._race.won()
        except ProviderFailure as error:
            failure = error
            if patience.whole == target.timeout or not isinstance(failure, ModelTimedOut):
                asking.visit.failed(failure)  # what had less time than is its due has not proved to be slow
        finally:
            asking.elapsed = milliseconds(self._clock.monotonic() - asking.began)
            waited(asking.elapsed)
            if failure is not None or not asking.under_way:
                asking.visit.leave()
        if failure is None and asking.under_way:
            return asking
        if failure is not None and asking.begun is not None:
            await asking.begun.close()
        passed_on = failure is None and self._passed_on(asking.reply)
        asking.outcome = failure.code if failure is not None else DECLINED if passed_on else "ok"
        await self._attempts.note(asking, failure)
        if failure is not None:
            raise failure
        if passed_on:
            self._declined = self._declined or asking
            return None
        return asking

    def _passed_on(self, reply: ModelReply | None) -> bool:
        """Return whether another is asked after *reply*, since it declines."""
        return reply is not None and reply.declined and self._route.goes_on(DECLINED)

    async def _wait(self, retried: int, target: RouteTarget) -> bool:
        """Wait before *target* is asked again; false, and at once, where it may not be."""
        pause = self._route.retries.pause(
            retried, rest=self._resting_for(target), left=self._left(), chance=self._around.chance
        )
        if pause is None:
            return False
        await self._around.pause(pause)
        waited(milliseconds(pause))
        self._paused += pause
        return True

    def _left(self) -> float:
        return self._deadline - self._clock.monotonic()

    def _health(self, instance: Instance) -> Health:
        return self._healths.of(instance.identity, self._route.health)

    def _resting_for(self, target: RouteTarget) -> float:
        return min(self._health(one).rest for one in target.instances if not one.provider.missing())

    def _exhausted(self, kind: type[RouteExhausted]) -> RouteExhausted:
        """Return the error that says of each target why it gave no answer, and when it is worth asking again."""
        rest = min((self._resting_for(target) for target in self._eligible), default=0.0)
        again: dict[str, Any] = {"retry_after": math.ceil(rest)} if rest > 0 and kind.transient else {}
        return self._attempts.exhausted(kind, **again)
