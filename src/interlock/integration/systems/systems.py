"""The one door to business systems: every call to any of them goes through `Systems.call`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.clock import Clock, SystemClock
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.interface import Answer, Ports, failed, unanswered
from interlock.integration.connectors.problems import remedied
from interlock.integration.contracts import Definition, Difference, differences
from interlock.integration.systems.catalog import Catalog, CompiledOperation
from interlock.integration.systems.errors import SystemUnknown
from interlock.integration.systems.line import Line
from interlock.integration.systems.passage import GRACE, Call
from interlock.values.operations import Effect

DRIFT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class _Active:
    """The catalogue in force and the lines that serve it; replaced whole."""

    catalog: Catalog
    lines: Mapping[str, Line] = field(default_factory=dict)


class Systems:
    """The running systems of one project. `apply` takes a new catalogue; what did not change is kept as it is:
    connections, circuit breakers, limits.
    """

    def __init__(self, ports: Ports, *, clock: Clock | None = None) -> None:
        self._ports = ports
        self._clock = clock or SystemClock()
        self._active = _Active(Catalog())
        self._retiring: set[asyncio.Task[None]] = set()
        self._writes: Counter[str] = Counter()

    @property
    def catalog(self) -> Catalog:
        """The catalogue in force."""
        return self._active.catalog

    def edition(self, system: str) -> int:
        """Return a number that each call of this process that may change something in *system* raises, before and after
        it: what was read at one edition may be given again while it lasts.
        """
        return self._writes[system]

    async def open(self) -> None:
        """Open the HTTP client; systems come with `apply`."""
        await self._ports.http.open()

    async def close(self) -> None:
        """Close every connector, after the calls under way, and the HTTP client."""
        active, self._active = self._active, _Active(Catalog())
        await asyncio.gather(*(line.retire() for line in active.lines.values()), *self._retiring)
        await self._ports.http.close()

    async def apply(self, catalog: Catalog) -> None:
        """Serve *catalog* from now on. If a connector cannot be made, nothing changes and its error is raised."""
        before = self._active.lines
        lines: dict[str, Line] = {}
        fresh: list[Line] = []
        try:
            for name in catalog.systems:
                kept = before.get(name)
                if kept is not None and kept.mark == catalog.marks[name]:
                    lines[name] = kept
                    continue
                lines[name] = self._line(catalog, name)
                fresh.append(lines[name])
                await lines[name].connector.open()
        except BaseException:
            for line in fresh:
                await line.connector.close()
            raise
        self._active = _Active(catalog, lines)
        for name, line in before.items():
            if lines.get(name) is not line:
                task = asyncio.create_task(line.retire(), name=f"retire {name}")
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)

    def _line(self, catalog: Catalog, name: str) -> Line:
        system = catalog.systems[name]
        connector = catalog.plugins[system.connector].build(system, catalog.definitions(name), self._ports)
        return Line(system, catalog.marks[name], connector, self._clock)

    async def call(
        self, operation_id: str, arguments: Mapping[str, Any], *, key: str = "", timeout: float | None = None
    ) -> Answer:
        """Run one operation and return what came of it; raises nothing for what a system does.

        *key* is the idempotency key. All waiting and repeating ends after *timeout* seconds or the operation's own
        limit, whichever is shorter. Arguments that do not fit the contract are `failed` and not sent; a result
        that breaks it is `failed` for a read and `unknown` for a write, whose effect may be there.
        """
        active = self._active
        compiled = active.catalog.operations.get(operation_id)
        if compiled is None:
            unknown = failed("operation_unknown", "no system of the project declares this operation", sent=False)
            return remedied(unknown, "")
        started = self._clock.monotonic()
        operation = compiled.operation
        line = active.lines[operation.system]
        if not compiled.input.holds(arguments):
            breaches = [breach.to_json() for breach in compiled.input.breaches(arguments)]
            unfit = failed("input_invalid", "the arguments do not fit the contract", sent=False, breaches=breaches)
            return remedied(unfit, operation_id)
        limit = operation.timeout or line.system.limits.timeout
        if timeout is not None and timeout < limit:
            limit = timeout
        call = Call(operation.name, operation.effect, arguments, key, started + limit, compiled.safe_to_repeat(key))
        writes = int(operation.effect is not Effect.read)
        self._writes[operation.system] += writes
        try:
            answer = await line.call(call)
        finally:
            self._writes[operation.system] += writes
        if answer.succeeded:
            answer = _checked(compiled, answer)
        if answer.problem is not None:
            answer = remedied(answer, operation_id)
        return answer.took((self._clock.monotonic() - started) * 1000.0)

    def health(self) -> list[dict[str, Any]]:
        """Return how each system has been doing, as seen from the calls that were made."""
        return [line.health() for _, line in sorted(self._active.lines.items())]

    async def probe(self, system: str) -> Answer:
        """Ask *system*, within its own time limit, whether it is there and lets us in. Raises `SystemUnknown`."""
        line = self._named(system)
        limit = line.system.limits.timeout
        try:
            async with asyncio.timeout(limit + GRACE):
                answer = await line.connector.probe(timeout=limit)
        except TimeoutError:
            answer = failed("timed_out", f"the system did not answer within {limit:g} s", transient=True)
        return remedied(answer, "")

    async def drift(self, system: str) -> list[Difference]:
        """Return how the live definitions of *system* differ from those of the project, operation by operation.

        Empty where nothing differs, or where the system publishes none. Raises `SystemUnknown`, and
        `SystemUnreachable` if it cannot be asked.
        """
        line = self._named(system)
        try:
            async with asyncio.timeout(DRIFT_TIMEOUT):
                live = await line.connector.definitions()
        except TimeoutError as error:
            raise SystemUnreachable(f"{system} did not say within {DRIFT_TIMEOUT:g} s what it publishes") from error
        if live is None:
            return []
        found: list[Difference] = []
        for name, definition in self._active.catalog.definitions(system).items():
            found += _compared(name, definition, live.get(name))
        return found

    def _named(self, system: str) -> Line:
        line = self._active.lines.get(system)
        if line is None:
            raise SystemUnknown(system, self._active.lines)
        return line


def _checked(compiled: CompiledOperation, answer: Answer) -> Answer:
    problem = compiled.check_output(answer.output)
    if problem is None:
        return answer
    return unanswered(compiled.operation.effect, **problem)


def _compared(name: str, pinned: Definition, live: Definition | None) -> list[Difference]:
    if live is None:
        return [Difference(f"/{name}", "removed", before=pinned.to_json())]
    found = differences(pinned.to_json(), live.to_json())
    return [replace(difference, pointer=f"/{name}{difference.pointer}") for difference in found]
