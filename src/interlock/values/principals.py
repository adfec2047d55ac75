"""Who asks: a person, an agent or a service, with roles, attributes and a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What sort of principal it is; also the Cedar entity type, capitalised."""

    person = "person"
    agent = "agent"
    service = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    *scopes* is what its credential may be used for: `act` (sessions and actions), `approve`, `read` (journal,
    other people's traces), `admin` (switches, pins, keys). *present* is true only where the credential itself
    says that a person is at the other end (a person's own key or token), never because a client claims it.
    """

    kind: Kind
    id: str
    tenant: str
    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset({"act"})
    present: bool = False
    credential: str = ""

    @property
    def name(self) -> str:
        """The principal's short name, such as `agent:support`."""
        return f"{self.kind}:{self.id}"

    @property
    def cedar_type(self) -> str:
        """The Cedar entity type: `Person`, `Agent` or `Service`."""
        return self.kind.value.capitalize()

    def may(self, scope: str) -> bool:
        """Return whether the credential covers *scope*."""
        return scope in self.scopes

    def to_json(self) -> dict[str, Any]:
        """Return what the journal and policies may know of the principal."""
        return {
            "kind": self.kind.value,
            "id": self.id,
            "tenant": self.tenant,
            "roles": sorted(self.roles),
            "attributes": dict(self.attributes),
        }
