"""The compiled systems and operations of one project: contracts ready, nothing contacted, nothing to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from interlock.foundation.documents import Document
from interlock.integration.connectors.interface import Plugin, SystemDeclaration
from interlock.integration.contracts import Contract, Definition, InputInvalid
from interlock.integration.systems.errors import OperationUnknown, SystemUnknown
from interlock.values.digests import digest
from interlock.values.operations import Effect, Operation


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """One operation with its contracts compiled. *digest* is that of the upstream *definition*."""

    operation: Operation
    definition: Definition
    digest: str
    input: Contract = field(repr=False)
    output: Contract | None = field(repr=False)
    external: bool = False

    def check_input(self, value: Any) -> None:
        """Raise `InputInvalid` (places and rules, never values) unless *value* fits the input schema."""
        if not self.input.holds(value):
            raise InputInvalid(self.operation.id, self.input.breaches(value))

    def check_output(self, value: Any) -> dict[str, Any] | None:
        """Return the problem that a result has with the output schema, or None."""
        if self.output is None or self.output.holds(value):
            return None
        return {
            "code": "result_breaks_contract",
            "detail": "the system's result is not as its contract says",
            "breaches": [breach.to_json() for breach in self.output.breaches(value)],
        }

    def safe_to_repeat(self, key: str) -> bool:
        """Return whether calling again with the same arguments and *key* has the effect of calling once."""
        operation = self.operation
        return operation.effect is Effect.read or operation.idempotent or bool(key and operation.idempotency_header)


@dataclass(frozen=True)
class Catalog:
    """All operations by id (`system.operation`) and all systems by name. *plugins* are by connector name.

    *sources* are, by system, the documents that declare it: its own file, then its declaration pack, if it has one.
    """

    operations: Mapping[str, CompiledOperation] = field(default_factory=dict)
    systems: Mapping[str, SystemDeclaration] = field(default_factory=dict)
    plugins: Mapping[str, Plugin] = field(default_factory=dict, repr=False)
    sources: Mapping[str, tuple[Document, ...]] = field(default_factory=dict, repr=False)

    def operation(self, name: str) -> CompiledOperation:
        """Return the operation *name*. Raises `OperationUnknown` with the nearest name."""
        found = self.operations.get(name)
        if found is None:
            raise OperationUnknown(name, self.operations)
        return found

    def system(self, name: str) -> SystemDeclaration:
        """Return the system *name*. Raises `SystemUnknown` with the nearest name."""
        found = self.systems.get(name)
        if found is None:
            raise SystemUnknown(name, self.systems)
        return found

    def definitions(self, system: str) -> dict[str, Definition]:
        """Return the definitions of one system's operations, by their short names."""
        return {
            compiled.operation.name: compiled.definition
            for compiled in self.operations.values()
            if compiled.operation.system == system
        }

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """A digest per system of all that its connector was built from; unchanged means that it can be kept."""
        return {name: self._mark(system) for name, system in self.systems.items()}

    def _mark(self, system: SystemDeclaration) -> str:
        limits = system.limits
        return digest(
            {
                "connector": system.connector,
                "connection": system.connection,
                "limits": {name: getattr(limits, name) for name in limits.__dataclass_fields__},
                "operations": {
                    name: [
                        declaration.effect.value,
                        declaration.idempotency_header,
                        self.operations[f"{system.name}.{name}"].digest,
                        declaration.settings.get("options"),
                    ]
                    for name, declaration in system.operations.items()
                },
            }
        )
