"""The settings of one installation, as `interlock.yaml` gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.documents import Document, Findings, escape
from interlock.foundation.settings.identity import Issuer, parse_issuers
from interlock.foundation.settings.quantities import duration, size
from interlock.values.clearances import USUAL, Clearances, clearance_of
from interlock.values.decisions import Mode

STORAGE = "sqlite:///interlock.db"
"""The usual database, relative to the state directory."""
KEEP_USAGE = 400 * 86_400.0
"""Seconds for which rows of model calls are kept, unless the project says otherwise."""
KEEP_EVENTS = 90 * 86_400.0
"""Seconds for which events that systems sent are kept, unless the project says otherwise."""

_LOCAL = re.compile(r"https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])([:/]\S*)?")


@dataclass(frozen=True, slots=True)
class PersonSettings:
    """A person: *delegate* is the id of who decides in this one's place, or empty."""

    name: str
    tenant: str
    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
    delegate: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """A program that calls with a key of its own."""

    tenant: str
    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)


Holder = PersonSettings | ServiceSettings


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server listens; *public_url* is empty if callers use the address itself."""

    host: str = "127.0.0.1"
    port: int = 8640
    public_url: str = ""
    workers: int = 1


@dataclass(frozen=True, slots=True)
class RoleApprovals:
    """How one role approves: *deadline* in seconds, *escalate_to* another role or empty."""

    deadline: float
    escalate_to: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """How approvals wait; *default_role* may be empty; *deadline* is in seconds."""

    default_role: str = ""
    deadline: float = 86_400.0
    roles: Mapping[str, RoleApprovals] = field(default_factory=dict)

    def of(self, role: str) -> RoleApprovals:
        """Return how *role* approves."""
        return self.roles.get(role) or RoleApprovals(self.deadline)


@dataclass(frozen=True, slots=True)
class EscalationSettings:
    """Who is asked where a file names nobody (*role*, perhaps empty), and for how many seconds (*due*, 0 for as long
    as approvals of the role wait)."""

    role: str = ""
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Limits that hold for everyone; of the first two, 0 stands for none."""

    actions_per_session: int = 200
    repeats: int = 3
    request_bytes: int = 1_048_576
    depth: int = 32


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """What operators can watch; nothing is traced while *otlp_endpoint* is empty."""

    otlp_endpoint: str = ""
    service_name: str = "interlock"
    metrics: bool = True


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """`interlock.yaml`, with every default filled in. *verification* is ordered, weakest level first."""

    name: str
    tenants: tuple[str, ...] = ("default",)
    storage_url: str = STORAGE
    server: ServerSettings = ServerSettings()
    secrets_file: str = ""
    secrets_directory: str = ""
    mode: Mode = Mode.automatic
    verification: tuple[str, ...] = ("none", "basic", "strong")
    people: Mapping[str, PersonSettings] = field(default_factory=dict)
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    escalations: EscalationSettings = EscalationSettings()
    limits: LimitSettings = LimitSettings()
    issuers: tuple[Issuer, ...] = ()
    further_roles: frozenset[str] = frozenset()
    attributes: tuple[str, ...] = ()
    telemetry: TelemetrySettings = TelemetrySettings()
    clearances: Clearances = field(default_factory=Clearances)
    keep_usage: float = KEEP_USAGE
    keep_events: float = KEEP_EVENTS

    @property
    def roles(self) -> frozenset[str]:
        """Every role that this file declares; with the agents' roles, those that policies may name."""
        found = set(self.further_roles)
        holders: list[Holder] = [*self.people.values(), *self.services.values()]
        for holder in holders:
            found |= holder.roles
        for role, approvals in self.approvals.roles.items():
            found |= {role, approvals.escalate_to}
        return frozenset(found | {self.approvals.default_role, self.escalations.role}) - {""}

    def answering(self, role: str) -> RoleApprovals:
        """Return how long people of *role* have to answer an escalation, and who is asked next.

        What is said of the role itself holds before the time that is usual for escalations.
        """
        rule = self.approvals.of(role)
        if self.escalations.due and role not in self.approvals.roles:
            return RoleApprovals(self.escalations.due)
        return rule


def project_settings(document: Document) -> ProjectSettings:
    """Return the settings of a document of kind `interlock`.

    Raises `ProjectInvalid` where members do not fit each other: a tenant, attribute or delegate that is not
    declared, an escalation that never ends, keys of an issuer fetched in the clear.
    """
    data = document.data
    tenants = tuple(data.get("tenants", ("default",)))
    settings = ProjectSettings(
        name=data["name"],
        tenants=tenants,
        storage_url=data.get("storage", {}).get("url", STORAGE),
        server=ServerSettings(**data.get("server", {})),
        secrets_file=data.get("secrets", {}).get("file", ""),
        secrets_directory=data.get("secrets", {}).get("directory", ""),
        mode=Mode.parse(data.get("mode", "automatic")),
        verification=tuple(data.get("verification", ("none", "basic", "strong"))),
        people={who: _person(who, part, tenants[0]) for who, part in data.get("people", {}).items()},
        services={who: _service(part, tenants[0]) for who, part in data.get("services", {}).items()},
        approvals=_approvals(data.get("approvals", {})),
        escalations=_escalations(data.get("escalations", {})),
        limits=_limits(data.get("limits", {})),
        issuers=parse_issuers(data.get("identity", {}).get("oidc", ())),
        further_roles=frozenset(data.get("roles", ())),
        attributes=tuple(data.get("attributes", ())),
        telemetry=TelemetrySettings(**data.get("telemetry", {})),
        clearances=_clearances(data.get("clearances", {})),
        keep_usage=_kept(data, "usage", KEEP_USAGE),
        keep_events=_kept(data, "events", KEEP_EVENTS),
    )
    findings = Findings()
    _check_holders(document, settings, findings)
    _check_escalation(document, settings.approvals, findings)
    _check_issuers(document, settings, findings)
    findings.raise_if_any()
    return settings


def _person(who: str, part: Mapping[str, Any], tenant: str) -> PersonSettings:
    return PersonSettings(
        name=part.get("name", who),
        tenant=part.get("tenant", tenant),
        roles=frozenset(part.get("roles", ())),
        attributes=dict(part.get("attributes", {})),
        delegate=part.get("delegate", ""),
    )


def _service(part: Mapping[str, Any], tenant: str) -> ServiceSettings:
    roles = frozenset(part.get("roles", ()))
    return ServiceSettings(part.get("tenant", tenant), roles, dict(part.get("attributes", {})))


def _approvals(part: Mapping[str, Any]) -> ApprovalSettings:
    usual = duration(part.get("deadline", "24h"))
    roles = {
        role: RoleApprovals(
            duration(own["deadline"]) if "deadline" in own else usual, escalate_to=own.get("escalate_to", "")
        )
        for role, own in part.get("roles", {}).items()
    }
    return ApprovalSettings(part.get("default_role", ""), usual, roles)


def _escalations(part: Mapping[str, Any]) -> EscalationSettings:
    return EscalationSettings(part.get("role", ""), duration(part["due"]) if "due" in part else 0.0)


def _kept(data: Mapping[str, Any], name: str, usual: float) -> float:
    written = data.get("retention", {}).get(name)
    return duration(written) if written else usual


def _limits(part: Mapping[str, Any]) -> LimitSettings:
    values = dict(part)
    if "request_bytes" in values:
        values["request_bytes"] = size(values["request_bytes"])
    return LimitSettings(**values)


def _clearances(part: Mapping[str, Any]) -> Clearances:
    return Clearances(
        clearance_of(part["default"]) if "default" in part else USUAL,
        {role: clearance_of(written) for role, written in part.get("roles", {}).items()},
        tuple((pattern, clearance_of(written)) for pattern, written in part.get("recipients", {}).items()),
        {
            pattern: tuple(written["called"])
            for pattern, written in part.get("recipients", {}).items()
            if isinstance(written, Mapping) and "called" in written
        },
    )


def _check_holders(document: Document, settings: ProjectSettings, findings: Findings) -> None:
    holders: list[tuple[str, Holder]] = []
    holders += ((f"/people/{escape(who)}", person) for who, person in settings.people.items())
    holders += ((f"/services/{escape(who)}", service) for who, service in settings.services.items())
    for pointer, holder in holders:
        if holder.tenant not in settings.tenants:
            message = f"{holder.tenant!r} is none of the tenants ({', '.join(settings.tenants)})"
            findings.add(document.finding(f"{pointer}/tenant", message))
        for name in holder.attributes:
            if name not in settings.attributes:
                message = f"{name!r} does not stand in the list `attributes` of this file"
                findings.add(document.finding(f"{pointer}/attributes/{escape(name)}", message))
    for who, person in settings.people.items():
        if not person.delegate:
            continue
        other = settings.people.get(person.delegate)
        pointer = f"/people/{escape(who)}/delegate"
        if other is None or person.delegate == who:
            findings.add(document.finding(pointer, f"{person.delegate!r} is nobody else among `people`"))
        elif other.tenant != person.tenant:
            findings.add(document.finding(pointer, f"{person.delegate!r} belongs to another tenant"))


def _check_escalation(document: Document, approvals: ApprovalSettings, findings: Findings) -> None:
    for role in approvals.roles:
        seen = [role]
        while (following := approvals.of(seen[-1]).escalate_to) and following not in seen:
            seen.append(following)
        if following == role:
            pointer = f"/approvals/roles/{escape(role)}/escalate_to"
            findings.add(document.finding(pointer, f"escalates in a circle: {' -> '.join([*seen, role])}"))


def _check_issuers(document: Document, settings: ProjectSettings, findings: Findings) -> None:
    names: set[str] = set()
    for index, issuer in enumerate(settings.issuers):
        pointer = f"/identity/oidc/{index}"
        if not _LOCAL.fullmatch(issuer.jwks_url):
            message = "keys must be fetched over https (plain http only from this machine)"
            findings.add(document.finding(f"{pointer}/jwks_url", message))
        if issuer.issuer in names:
            findings.add(document.finding(f"{pointer}/issuer", "this issuer stands twice"))
        names.add(issuer.issuer)
        for name in issuer.attributes:
            if name not in settings.attributes:
                message = f"{name!r} does not stand in the list `attributes` of this file"
                findings.add(document.finding(f"{pointer}/attributes/{escape(name)}", message))
