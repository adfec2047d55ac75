"""Who there is: the people, services and agents of the current project, and what each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.foundation.settings.project import ProjectSettings
from interlock.values.principals import Kind


@dataclass(frozen=True, slots=True)
class Member:
    """One person, service or agent; *tenant* is empty for an agent, which serves every tenant."""

    roles: frozenset[str] = frozenset()
    tenant: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """Everyone whom the project names, the tenants there are, and the roles that mean something in it."""

    people: Mapping[str, Member] = field(default_factory=dict)
    services: Mapping[str, Member] = field(default_factory=dict)
    agents: Mapping[str, Member] = field(default_factory=dict)
    tenants: tuple[str, ...] = ("default",)
    roles: frozenset[str] = frozenset()

    def find(self, kind: Kind, id: str) -> Member | None:
        """Return the member, or None if the project does not name it."""
        members = {Kind.person: self.people, Kind.service: self.services, Kind.agent: self.agents}
        return members[kind].get(id)


def directory_of(settings: ProjectSettings, agents: Mapping[str, frozenset[str]]) -> Directory:
    """Return the directory of a project: its settings, and the roles of each of its agents."""
    people = {who: Member(one.roles, one.tenant, one.attributes) for who, one in settings.people.items()}
    services = {who: Member(one.roles, one.tenant, one.attributes) for who, one in settings.services.items()}
    return Directory(
        people=people,
        services=services,
        agents={who: Member(roles) for who, roles in agents.items()},
        tenants=settings.tenants,
        roles=settings.roles.union(*agents.values()),
    )
