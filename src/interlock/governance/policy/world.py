"""What policies are written about: the operations with their facts, and the words a project knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.values.clearances import Clearances
from interlock.values.operations import Operation


@dataclass(frozen=True, slots=True)
class OperationShape:
    """An operation and the JSON Schema of each of its facts, by the fact's name."""

    operation: Operation
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """The words a project knows.

    *levels* are the verification levels, weakest first; a level's rank is its index. *approver_role* is who
    approves where a mode, or `@require("person")`, asks for it. *attributes* are the principals' attributes, each an
    optional text. *clearances* say where data may be sent.
    """

    roles: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    approver_role: str = ""
    attributes: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    clearances: Clearances = field(default_factory=Clearances)

    def rank(self, level: str) -> int:
        """Return the rank of a verification *level*; one that is not known ranks below all."""
        return self.levels.index(level) if level in self.levels else -1

    def to_json(self) -> dict[str, Any]:
        """Return the words as a JSON object."""
        return {
            "roles": sorted(self.roles),
            "levels": list(self.levels),
            "approver_role": self.approver_role,
            "attributes": sorted(self.attributes),
            "tenants": sorted(self.tenants),
            "clearances": self.clearances.to_json(),
        }
