"""Reading the facts of one action: in parallel, within a time limit, from the cache where its age allows."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.context.facts.plan import CompiledFact, FactPlan
from interlock.foundation.clock import Clock
from interlock.foundation.expressions import ExpressionFailed
from interlock.foundation.telemetry.overhead import waited
from interlock.integration.systems import Answer
from interlock.values.digests import digest
from interlock.values.errors import InterlockError

CACHE_ENTRIES = 10_000
DIGITS = 4  # the precision of a Cedar decimal


class Reads(Protocol):
    """The one door to business systems, as far as facts need it."""

    async def call(
        self, operation_id: str, arguments: dict[str, Any], *, key: str = "", timeout: float | None = None
    ) -> Answer:
        """Run one operation and return what came of it."""
        ...


@dataclass(slots=True)
class Gathered:
    """The facts of one action, what could not be had (as guards for the gate), and which systems were read."""

    facts: dict[str, Any] = field(default_factory=dict)
    guards: list[dict[str, str]] = field(default_factory=list)
    reads: list[dict[str, Any]] = field(default_factory=list)
    oldest: float = 0.0
    version: str = ""
    fresh: bool = False

    def quality(self) -> dict[str, Any]:
        """Return what policies see as `context.quality`."""
        missing = [guard["fact"] for guard in self.guards]
        return {"stale": False, "missing": missing, "age_seconds": int(self.oldest)}


class FactReader:
    """Reads facts through *reads*; one per process, shared by all sessions, scoped by tenant in its cache."""

    def __init__(self, reads: Reads, clock: Clock, *, timeout: float = 5.0) -> None:
        self._reads = reads
        self._clock = clock
        self._timeout = timeout
        self._cache: OrderedDict[str, tuple[float, Any]] = OrderedDict()

    async def gather(
        self,
        plan: FactPlan,
        *,
        tenant: str,
        input: Mapping[str, Any],
        session: Mapping[str, Any],
        fresh: bool = False,
    ) -> Gathered:
        """Return the facts of *plan*. A fact that cannot be had becomes a guard, never a guess.

        *fresh* reads all of them now, whatever the cache holds: what somebody consented to is compared with the
        record as it is.
        """
        gathered = Gathered(fresh=fresh)
        if not plan.stages and plan.version is None:
            return gathered
        started = self._clock.monotonic()
        variables = {"input": dict(input), "session": dict(session), "facts": gathered.facts}
        try:
            async with asyncio.timeout(self._timeout):
                for stage in plan.stages:
                    await self._stage(stage, tenant, variables, gathered)
        except TimeoutError:
            self._late(plan, gathered)
        waited((self._clock.monotonic() - started) * 1000)
        if plan.version is not None and not gathered.guards:
            try:
                gathered.version = str(plan.version.evaluate(variables))
            except ExpressionFailed:
                gathered.guards.append(_guard("version", "it could not be told from what the systems returned", "deny"))
        return gathered

    async def _stage(
        self, stage: tuple[CompiledFact, ...], tenant: str, variables: dict[str, Any], gathered: Gathered
    ) -> None:
        if len(stage) == 1:
            await self._one(stage[0], tenant, variables, gathered)
            return
        async with asyncio.TaskGroup() as group:
            for fact in stage:
                group.create_task(self._one(fact, tenant, variables, gathered))

    async def _one(self, compiled: CompiledFact, tenant: str, variables: dict[str, Any], gathered: Gathered) -> None:
        fact = compiled.fact
        if not compiled.needs <= gathered.facts.keys():
            _refuse(gathered, compiled, "a fact that it builds on is missing")
            return
        try:
            if compiled.expression is not None:
                gathered.facts[fact.name] = _typed(fact.type, compiled.expression.evaluate(variables))
            elif compiled.each is not None:
                await self._members(compiled, tenant, variables, gathered)
            else:
                gathered.facts[fact.name] = await self._read(compiled, tenant, variables, gathered)
        except ExpressionFailed:
            _refuse(gathered, compiled, "its expression could not be evaluated on what the systems returned")
        except _Unreadable as error:
            _refuse(gathered, compiled, str(error))

    async def _members(
        self, compiled: CompiledFact, tenant: str, variables: dict[str, Any], gathered: Gathered
    ) -> None:
        fact = compiled.fact
        assert compiled.each is not None
        members = compiled.each.evaluate(variables)
        if not isinstance(members, list) or len(members) > fact.bound:
            raise _Unreadable(f"it may read at most {fact.bound} members")
        reads = [self._read(compiled, tenant, {**variables, "item": item}, gathered) for item in members]
        found = await asyncio.gather(*reads, return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        gathered.facts[fact.name] = found

    async def _read(self, compiled: CompiledFact, tenant: str, variables: dict[str, Any], gathered: Gathered) -> Any:
        fact = compiled.fact
        assert fact.read is not None
        arguments = {name: expression.evaluate(variables) for name, expression in compiled.arguments.items()}
        key = digest([tenant, fact.read.operation, arguments]) if fact.max_age else ""
        now = self._clock.monotonic()
        if key and not gathered.fresh and (held := self._cache.get(key)) and now - held[0] <= fact.max_age:
            gathered.oldest = max(gathered.oldest, now - held[0])
            gathered.reads.append({"operation": fact.read.operation, "status": "cached", "elapsed_ms": 0.0})
            return held[1]
        try:
            answer = await self._reads.call(fact.read.operation, arguments, timeout=self._timeout)
        except InterlockError as error:
            raise _Unreadable(f"{fact.read.operation} cannot be read: {error.code}") from error
        gathered.reads.append(
            {"operation": fact.read.operation, "status": answer.status, "elapsed_ms": round(answer.elapsed_ms, 2)}
        )
        if answer.status != "succeeded":
            raise _Unreadable(f"{fact.read.operation} did not answer: {(answer.problem or {}).get('code', 'failed')}")
        if key:
            self._keep(key, now, answer.output)
        return answer.output

    def _keep(self, key: str, now: float, output: Any) -> None:
        self._cache[key] = (now, output)
        self._cache.move_to_end(key)
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)

    def _late(self, plan: FactPlan, gathered: Gathered) -> None:
        told = {guard["fact"] for guard in gathered.guards}
        for stage in plan.stages:
            for compiled in stage:
                if compiled.fact.name not in gathered.facts and compiled.fact.name not in told:
                    _refuse(gathered, compiled, f"it was not read within {self._timeout:g} s")


class _Unreadable(Exception):
    """A fact's read gave nothing to decide on; becomes a guard before it leaves this module."""


def _refuse(gathered: Gathered, compiled: CompiledFact, why: str) -> None:
    gathered.guards.append(_guard(compiled.fact.name, why, compiled.fact.on_failure))


def _guard(fact: str, why: str, outcome: str) -> dict[str, str]:
    return {"rule": "fact-missing", "text": f"The fact {fact} is missing: {why}", "outcome": outcome, "fact": fact}


def _typed(kind: str, value: Any) -> Any:
    if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return round(float(value), DIGITS)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
