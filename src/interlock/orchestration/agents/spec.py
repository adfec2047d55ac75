"""An agent as its file declares it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from interlock.context.assembly import ContextPart, compile_context
from interlock.foundation.documents import Document, Findings, escape
from interlock.foundation.expressions import ExpressionInvalid
from interlock.foundation.settings.quantities import duration
from interlock.values.clearances import Clearance, clearance_of
from interlock.values.decisions import Mode
from interlock.values.operations import Operation


class Planning(StrEnum):
    """What an agent's file says about plans of the sessions it works in."""

    none = "none"
    derived = "derived"  # one is derived from the person's request before the first turn reads anything
    required = "required"  # without one, whatever is no plain read asks a person


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """How far one turn and one session go.

    *steps* and *time* (seconds) bound a turn; *actions_per_session* and *repeats* are for the session's loop
    guard (0: the installation's limits alone); *context_time* bounds the gathering of the declared context;
    *result_bytes* is how much of one result a model is shown.
    """

    steps: int = 12
    time: float = 120.0
    actions_per_session: int = 0
    repeats: int = 0
    context_time: float = 5.0
    result_bytes: int = 16_384


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A built-in agent. *operations* are globs such as `erp.get_*`; they narrow what policy permits.

    *clearance* is what it is shown at most; None leaves that to its roles. *escalate* is the role of the people who are
    asked where it cannot go on; empty for none. *hand_offs* are the agents that it may hand a request over to.
    """

    name: str
    route: str
    description: str = ""
    instructions: str = ""
    roles: frozenset[str] = frozenset()
    operations: tuple[str, ...] = ()
    mode: Mode = Mode.automatic
    limits: AgentLimits = AgentLimits()
    context: tuple[ContextPart, ...] = ()
    purpose: str = ""
    clearance: Clearance | None = None
    planning: Planning = Planning.none
    escalate: str = ""
    hand_offs: tuple[str, ...] = ()
    greeting: str = ""

    @property
    def disclosure(self) -> str:
        """What is said before the first answer in a session: that no person answers, unless the file says it."""
        if self.greeting:
            return self.greeting
        reached = " A person can be asked for at any time." if "person" in self.hand_offs else ""
        return f"You are talking to {self.name}, an AI agent.{reached}"

    def may_use(self, operation_id: str) -> bool:
        """Return whether the agent's file names the operation."""
        return any(fnmatchcase(operation_id, pattern) for pattern in self.operations)


def permitted_for(agent: AgentSpec, operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return those *operations* that the agent's file names too, by id, each once."""
    named = {operation.id: operation for operation in operations if agent.may_use(operation.id)}
    return tuple(named[operation_id] for operation_id in sorted(named))


def agent_from_document(document: Document) -> AgentSpec:
    """Return the agent of a document of kind `agent`. Raises `ProjectInvalid`."""
    data = document.data
    findings = Findings()
    context: list[ContextPart] = []
    for name, text in data.get("context", {}).items():
        try:
            context += compile_context({name: text})
        except ExpressionInvalid as error:
            message = ". ".join(part.rstrip(".") for part in (error.what, error.why, error.fix) if part)
            findings.add(document.finding(f"/context/{escape(name)}", message))
    findings.raise_if_any()
    return AgentSpec(
        name=data["agent"],
        route=data["route"],
        description=data.get("description", ""),
        instructions=data.get("instructions", ""),
        roles=frozenset(data.get("roles", ())),
        operations=tuple(data.get("operations", ())),
        mode=Mode.parse(data.get("mode", "automatic")),
        limits=_limits(data.get("limits", {})),
        context=tuple(context),
        purpose=data.get("purpose", ""),
        clearance=clearance_of(data["clearance"]) if "clearance" in data else None,
        planning=Planning(data.get("plan", "none")),
        escalate=data.get("escalate", ""),
        hand_offs=tuple(data.get("hand_offs", ())),
        greeting=data.get("greeting", ""),
    )


def _limits(data: dict[str, object]) -> AgentLimits:
    usual = AgentLimits()
    counts = ("steps", "actions_per_session", "repeats")
    given = {name: value for name in counts if isinstance(value := data.get(name), int)}
    time = data.get("time")
    seconds = duration(time) if isinstance(time, str) else usual.time
    return AgentLimits(
        given.get("steps", usual.steps),
        seconds,
        given.get("actions_per_session", usual.actions_per_session),
        given.get("repeats", usual.repeats),
    )
