"""Simulated systems: they answer from records or schemas, show what is planted, and keep each call that they get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.assessment.attacks.filling import fill
from interlock.assessment.attacks.scenario import Plant, Record
from interlock.integration.contracts import Contract, Definition
from interlock.integration.systems import (
    SUCCEEDED,
    Answer,
    Connector,
    Description,
    Ports,
    SystemDeclaration,
    failed,
)

_CUSTOMER = frozenset({"customer", "customer_id", "customerid", "customer_number", "account_holder", "client_id"})


@dataclass(frozen=True, slots=True)
class Received:
    """A call that reached a simulated system. *key* is empty where the layer itself read a fact."""

    operation: str
    arguments: Mapping[str, Any]
    key: str


@dataclass(slots=True)
class Scene:
    """One session's world: what its systems know, what is planted in it, and what they received.

    *customer* is whose things are meant where a record has to be made up. *shown* are the plants that an answer to
    the agent held.
    """

    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    plants: Sequence[Plant] = ()
    customer: str = ""
    received: list[Received] = field(default_factory=list)
    shown: set[Plant] = field(default_factory=set)

    def reached(self, operation: str, arguments: Mapping[str, Any] | None = None) -> bool:
        """Return whether a system received a call of *operation*, with exactly *arguments* where they are given."""
        return any(
            call.operation == operation and (arguments is None or call.arguments == arguments)
            for call in self.received
            if call.key or arguments is not None
        )


_SCENE: ContextVar[Scene | None] = ContextVar("scene", default=None)


@contextmanager
def playing(scene: Scene) -> Iterator[Scene]:
    """Let every simulated system that is called inside, in this task and those it starts, be of *scene*."""
    token = _SCENE.set(scene)
    try:
        yield scene
    finally:
        _SCENE.reset(token)


class SimulatedPlugin:
    """Takes the place of every kind of connector; what it builds contacts nothing."""

    name = "simulated"
    connection_schema: Mapping[str, Any] = {}

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - nothing is described anew
        return Description({})

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:  # noqa: ARG002 - contacts nothing
        return SimulatedSystem(system.name, definitions)


class SimulatedSystem:
    """One system as the scene that is being played has it."""

    def __init__(self, name: str, definitions: Mapping[str, Definition]) -> None:
        self._name = name
        self._outputs = {
            operation: (definition.output_schema, Contract(definition.output_schema))
            for operation, definition in definitions.items()
            if definition.output_schema is not None
        }

    async def open(self) -> None:
        """There is nothing to make ready."""

    async def close(self) -> None:
        """There is nothing to release."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - answers at once
        scene = _SCENE.get()
        if scene is None:
            return failed("not_simulated", "a simulated system is called outside any scene", sent=False)
        name = f"{self._name}.{operation}"
        scene.received.append(Received(name, deepcopy(dict(arguments)), key))
        output = self._answer(scene, name, operation, arguments)
        for plant in scene.plants:
            if plant.operation == name:
                output = _planted(output, plant.path, plant.text)
                if key:
                    scene.shown.add(plant)
        return Answer(SUCCEEDED, output=output)

    async def probe(self, *, timeout: float) -> Answer:  # noqa: ARG002 - nothing is asked
        return Answer(SUCCEEDED)

    async def definitions(self) -> Mapping[str, Definition] | None:
        return None

    def _answer(self, scene: Scene, name: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        records = scene.records.get(name, ())
        for record in records:
            if _fits(record.when, arguments):
                return deepcopy(record.result)
        schema, contract = self._outputs.get(operation, (None, None))
        known = {**(dict.fromkeys(_CUSTOMER, scene.customer) if scene.customer else {}), **arguments}
        if records and isinstance(records[0].result, dict):
            made = _like(records[0].result, known)
            return made if contract is None or contract.holds(made) else deepcopy(records[0].result)
        if schema is None or contract is None:
            return {"text": "simulated"}
        made = fill(schema, known)
        return made if contract.holds(made) else fill(schema)


def _fits(when: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    return all(name in arguments and arguments[name] == value for name, value in when.items())


def _like(result: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return *result* for other arguments: what has an argument's name, at the top, has its value."""
    return {
        name: deepcopy(known[name] if name in known and type(known[name]) is type(value) else value)
        for name, value in result.items()
    }


def _planted(value: Any, path: Sequence[str], text: str) -> Any:
    """Return *value* with *text* at *path*; members on the way are made where they are missing, `*` is the first."""
    if not path:
        return text
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        index = 0 if step == "*" else int(step) if step.isdigit() else 0
        members = [*value] or [{} if rest else ""]
        members[min(index, len(members) - 1)] = _planted(members[min(index, len(members) - 1)], rest, text)
        return members
    if isinstance(value, dict):
        if step == "*":
            return {name: _planted(member, rest, text) for name, member in value.items()}
        return {**value, step: _planted(value.get(step), rest, text)}
    if value is None and rest:
        return [_planted(None, rest, text)] if step == "*" else {step: _planted(None, rest, text)}
    return {step: _planted(None, rest, text)} if step != "*" else [_planted(None, rest, text)]
