"""The inventory of a project: each system with its interfaces and its gaps, from its files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.assessment.inventory.ways import API, CALLER, Way, way_of
from interlock.integration.systems import SystemDeclaration
from interlock.orchestration.project import Project
from interlock.values.operations import Effect, Operation

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing: what it is, what may come of it, and what to do."""

    code: str
    what: str
    risk: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """Return the gap as a JSON object."""
        return {"code": self.code, "what": self.what, "risk": self.risk, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Inventory:
    """One system: who answers for it, what it holds, the way into it, what stands in front, and its gaps."""

    system: str
    kind: str
    owner: str
    connector: str
    way: Way
    holds: str
    operations: dict[str, int]
    facades: tuple[str, ...]
    agents: tuple[str, ...]
    gaps: tuple[Gap, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "system": self.system,
            "kind": self.kind,
            "owner": self.owner,
            "connector": self.connector,
            "way_in": self.way.name,
            "risk": self.way.risk,
            "holds": self.holds,
            "operations": self.operations,
            "interfaces": ["rest", "mcp", *(f"facade {name}" for name in self.facades)],
            "agents": list(self.agents),
            "gaps": [gap.to_json() for gap in self.gaps],
        }


def inventories(project: Project) -> list[Inventory]:
    """Return all systems of a project, by name; nothing is contacted."""
    by_system: dict[str, list[Operation]] = {name: [] for name in project.catalog.systems}
    for compiled in project.catalog.operations.values():
        by_system[compiled.operation.system].append(compiled.operation)
    return [_inventory(project, system, by_system[name]) for name, system in sorted(project.catalog.systems.items())]


def _inventory(project: Project, system: SystemDeclaration, operations: Sequence[Operation]) -> Inventory:
    way = way_of(system.connector)
    ids = {operation.id for operation in operations}
    facades = tuple(
        name
        for name, facade in sorted(project.facades.items())
        if any(endpoint.compiled.operation.id in ids for endpoint in facade.endpoints.values())
    )
    agents = tuple(name for name, spec in sorted(project.agents.items()) if any(map(spec.may_use, ids)))
    label = system.label
    for operation in operations:
        label = label.join(operation.returns)
    return Inventory(
        system=system.name,
        kind=system.kind,
        owner=system.owner,
        connector=system.connector,
        way=way,
        holds=str(label),
        operations=dict(sorted(Counter(operation.effect.value for operation in operations).items())),
        facades=facades,
        agents=agents,
        gaps=tuple(_gaps(system, way, operations, facades)),
    )


def _gaps(
    system: SystemDeclaration, way: Way, operations: Sequence[Operation], facades: Sequence[str]
) -> Iterator[Gap]:
    writes = [operation for operation in operations if operation.effect is not Effect.read]
    if not system.owner:
        yield Gap("owner", "nobody is named who answers for it", "nobody knows when it changes", "write `owner`")
    if not operations:
        yield Gap("operations", "it has no operations", "nothing can be done with it", "see `interlock connect`")
    if way is not API and writes:
        names = _named(writes)
        yield Gap("way_in", f"it is changed by way of {way.name}: {names}", way.writes, f"look for {way.better}")
    if way not in (API, CALLER) and not facades:
        what = "it has no API, and no facade in front"
        fix = f"interlock facade new {system.name}"
        yield Gap("facade", what, "callers depend on its own names and shapes", fix)
    doubtful = [one for one in writes if not (one.repeatable or one.read_back or way is CALLER)]
    if doubtful:
        yield Gap(
            "settling",
            f"when an answer is lost, nobody can tell what became of {_named(doubtful)}",
            "the action waits in doubt for a person",
            "declare `idempotency`, `idempotent` or `read_back`",
        )
    blind = [one for one in writes if one.effect is Effect.write and one.undo is None and one.risks]
    if blind:
        yield Gap(
            "undo",
            f"what costs something is not taken back by any operation: {_named(blind)}",
            "a mistake is put right by hand",
            "declare `undo`, or `effect: irreversible` where there is none",
        )
    if not any(operation.effect is Effect.read for operation in operations) and writes:
        what = "it can be changed, and not read"
        yield Gap("reads", what, "decisions are made without its facts", "declare the reads that policies need")


def _named(operations: Sequence[Operation]) -> str:
    names = ", ".join(operation.name for operation in operations[:MOST_NAMED])
    more = len(operations) - MOST_NAMED
    return f"{names} and {more} more" if more > 0 else names
