"""A trigger as its file declares it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from interlock.foundation.documents import Document, Finding, Findings
from interlock.foundation.expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression
from interlock.integration.events import Event
from interlock.orchestration.triggers.errors import ScheduleInvalid
from interlock.orchestration.triggers.schedule import Schedule, schedule_of

EVENT = "{event}"
"""What stands in a request for the id of the event."""


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """What starts an agent's work: an event of *system*, or a *schedule*. The *request* is the project's own words."""

    name: str
    agent: str
    request: str
    system: str = ""
    types: frozenset[str] = frozenset()
    when: Expression | None = None
    schedule: Schedule | None = None
    tenant: str = ""
    customer: str = ""
    person: str = ""
    description: str = ""

    def wants(self, event: Event) -> bool:
        """Return whether *event* starts it. An expression that cannot be evaluated for an event does not hold."""
        if event.system != self.system or (self.types and event.type not in self.types):
            return False
        if self.when is None:
            return True
        try:
            return self.when.evaluate({"event": event.to_json()}) is True
        except ExpressionFailed:
            return False

    def words(self, event: str) -> str:
        """Return the request for the event of an id: of what came, only the id that we gave it is among the words."""
        return self.request.replace(EVENT, event)

    def findings(self, agents: Container[str], sending: Container[str], tenants: Container[str]) -> Iterator[Finding]:
        """Yield what is wrong between the trigger and the project's agents, systems that send, and tenants."""
        file = f"triggers/{self.name}.yaml"
        if self.agent not in agents:
            yield Finding(file, 0, "/agent", f"{self.agent!r} is no agent of the project")
        if self.system and self.system not in sending:
            yield Finding(file, 0, "/on/system", f"{self.system!r} is no system that sends events, such as a webhook")
        if self.tenant not in tenants:
            yield Finding(file, 0, "/tenant", f"{self.tenant!r} is no tenant of the project")

    def to_json(self) -> dict[str, object]:
        """Return what a caller may know of it."""
        on: dict[str, object] = {"system": self.system, "types": sorted(self.types)}
        if self.schedule is not None:
            on = {"schedule": self.schedule.text, "zone": str(self.schedule.zone)}
        return {"trigger": self.name, "agent": self.agent, "on": on, "description": self.description}


def trigger_from_document(document: Document, tenant: str) -> TriggerSpec:
    """Return the trigger of a document of kind `trigger`, which is *tenant*'s unless it names another.

    Raises `ProjectInvalid`.
    """
    data, on = document.data, document.data["on"]
    findings = Findings()
    when, schedule = None, None
    try:
        if "when" in on:
            when = compile_expression(on["when"], variables={"event"})
    except ExpressionInvalid as error:
        findings.add(document.finding("/on/when", f"{error.what}: {error.why}"))
    try:
        if "schedule" in on:
            schedule = schedule_of(on["schedule"], on.get("zone", "UTC"))
    except ScheduleInvalid as error:
        findings.add(document.finding("/on/schedule", f"{error.what}: {error.why}"))
    if "schedule" in on and EVENT in data["request"]:
        findings.add(document.finding("/request", f"{EVENT} stands for an event's id, and a schedule has no event"))
    findings.raise_if_any()
    return TriggerSpec(
        name=data["trigger"],
        agent=data["agent"],
        request=data["request"],
        system=on.get("system", ""),
        types=frozenset(on.get("types", ())),
        when=when,
        schedule=schedule,
        tenant=data.get("tenant", tenant),
        customer=data.get("customer", ""),
        person=data.get("person", ""),
        description=data.get("description", ""),
    )
