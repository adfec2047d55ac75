"""Bringing together everything a decision depends on, and asking the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.context.facts import FactReader, Gathered
from interlock.foundation.clock import Clock, rfc3339
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.gate import Snapshot, decide
from interlock.governance.labels import Background, flow_of, is_steered
from interlock.integration.systems import CompiledOperation
from interlock.orchestration.actions.action import consent_digest
from interlock.orchestration.project import Project
from interlock.orchestration.sessions import Session
from interlock.values.decisions import Decision
from interlock.values.labels import PUBLIC, Label, Naming, Origin, Source
from interlock.values.principals import Kind

Guard = dict[str, str]

UNDO, APPROVER = "interlock#/action", "approver"
"""Where a vouched argument came from."""


class Switchboard(Protocol):
    """The kill switches."""

    async def refresh(self) -> None:
        """Take over what other processes have changed."""
        ...

    def guard(self, *, tenant: str, operation: str, system: str, agent: str = "") -> Guard | None:
        """Return the guard of a switch that stops this, or None."""
        ...


class Quarantine(Protocol):
    """The accepted definitions."""

    async def guard(self, operation: str) -> Guard | None:
        """Return the guard of an operation whose definition changed and was not accepted, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One use of one operation, to be judged.

    *vouched* says where arguments came from that the session's memory knows nothing of: the layer's own record
    (an undo), or an approver who put them in. *undone* is the label of the record that an undo took
    them from, for what this session has not seen.

    *again* marks an action that was counted when it was first judged, so that limits don't count it twice; *outlasts*
    one that was proposed in time and may be decided later than its session is open.
    *place* is the use's in the session's plan, taken then.
    """

    session: Session
    who: Mapping[str, Any] = field(repr=False)
    compiled: CompiledOperation
    input: dict[str, Any] = field(repr=False)
    arguments: str
    usage: Mapping[str, int]
    vouched: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    outlasts: bool = False
    place: str | None = None
    undone: Label = PUBLIC

    @property
    def agent(self) -> str:
        """The agent's name, or the empty string where a person or service asks."""
        return str(self.who["id"]) if self.who["kind"] == Kind.agent else ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer, the snapshot it depends on, and what binds a consent to it.

    *data* is the joined label of the arguments, *label* that of the facts as well; *steered* says whether outsiders'
    text had a hand in the arguments.
    """

    decision: Decision
    snapshot: Snapshot = field(repr=False)
    gathered: Gathered = field(repr=False)
    record: str = field(repr=False)
    consent: str
    version: str
    origins: Mapping[str, Origin] = field(repr=False)
    data: Label
    label: Label
    steered: bool

    @property
    def labels(self) -> dict[str, dict[str, Any]]:
        """The labels of those arguments that have an unusual one."""
        return {name: origin["label"] for name, origin in self.snapshot.origins.items() if "label" in origin}

    def shown(self, session: Session) -> dict[str, Any]:
        """Return what an approver needs to judge: the words, the plan, the arguments, the facts, their origins."""
        snapshot = self.snapshot
        plan = {"plan": session.document()["plan"]} if session.plan is not None else {}
        return {
            **plan,
            "operation": snapshot.operation,
            "input": snapshot.input,
            "facts": snapshot.facts,
            "origins": snapshot.origins,
            "reasons": [reason.to_json() for reason in self.decision.reasons],
            "principal": snapshot.principal["kind"] + ":" + snapshot.principal["id"],
            "requests": list(session.requests),
            "customer": session.customer,
            "record": self.record,
            "label": self.label.to_json(),
        }


class Judge:
    """Judges cases against the current project; the decision itself is `governance.gate.decide`, which is pure."""

    def __init__(
        self,
        reader: FactReader,
        switches: Switchboard,
        pins: Quarantine,
        clock: Clock,
        telemetry: Telemetry = OFF,
    ) -> None:
        self._reader = reader
        self._switches = switches
        self._pins = pins
        self._clock = clock
        self._metrics = telemetry.metrics

    async def judge(self, project: Project, case: Case) -> Judgement:
        """Gather facts, find origins, and decide. Nothing is executed but declared reads."""
        operation = case.compiled.operation
        session = case.session
        view = session.view(project.settings.verification, place=case.place)
        guards = await self._guards(project, case)
        gathered, plan = Gathered(), project.facts[operation.id]
        if not guards:
            gathered = await self._reader.gather(
                plan, tenant=session.tenant, input=case.input, session=view, fresh=case.again
            )
            if plan.stages:  # reading takes its time, in which somebody may have stopped it all
                guards = await self._guards(project, case)
        origins, label = _origins(project, case)
        shown = {name: origin.to_json() for name, origin in origins.items()}
        snapshot = Snapshot(
            principal=_principal(project, case),
            operation=operation.id,
            digest=case.compiled.digest,
            effect=operation.effect.value,
            system={"name": operation.system, "kind": project.catalog.systems[operation.system].kind},
            input=case.input,
            session=view,
            facts=gathered.facts,
            origins=shown,
            data=label.to_json(),
            quality=gathered.quality(),
            usage=dict(case.usage),
            now=rfc3339(self._clock.now()),
            modes={
                "installation": project.settings.mode.word,
                "agent": project.agent_mode(case.agent).word,
                "operation": operation.mode.word,
            },
            guards=[*guards, *gathered.guards],
            policy_version=project.policies.version,
            flow=_flow(project, case, shown, label),
        )
        started = self._clock.monotonic()
        decision = decide(snapshot, project.policies)
        self._metrics.observe("interlock_decision_seconds", self._clock.monotonic() - started)
        consent = consent_digest(case.arguments, case.compiled.digest, project.policies.version, gathered.version)
        return Judgement(
            decision,
            snapshot,
            gathered,
            gathered.version,
            consent,
            project.version,
            origins,
            label,
            label.join(plan.label) if gathered.facts else label,
            is_steered(operation, case.input, origins),
        )

    async def _guards(self, project: Project, case: Case) -> list[Guard]:
        operation, session = case.compiled.operation, case.session
        await self._switches.refresh()
        found = [
            self._switches.guard(
                agent=case.agent, operation=operation.id, system=operation.system, tenant=session.tenant
            ),
            await self._pins.guard(operation.id),
            _agent_guard(project, case),
        ]
        if not case.again:
            found.append(project.loop_guard(case.agent).check(case.usage))
        if session.closed or (session.over(self._clock.now()) and not case.outlasts):
            found.append({"rule": "session-closed", "text": "The session was closed"})
        return [guard for guard in found if guard is not None]


def _flow(project: Project, case: Case, origins: dict[str, Any], label: Label) -> dict[str, Any]:
    memory = case.session.memory
    operation = case.compiled.operation
    background = Background(memory.seen, memory.strayed, memory.tainted, memory.asked_for(operation))
    return flow_of(operation, case.input, origins, label, background, project.settings.clearances)


def _principal(project: Project, case: Case) -> dict[str, Any]:
    """Return who asks with the roles of the active project, also for an action that has waited.

    Where tokens bring roles of their own, those that the project no longer knows are left out.
    """
    who, kind = case.who, Kind(case.who["kind"])
    member = project.directory.find(kind, who["id"])
    if kind is not Kind.agent and not case.again:
        return dict(who)
    if kind is Kind.person and project.settings.issuers:
        return {**who, "roles": [role for role in who["roles"] if role in project.directory.roles]}
    return {**who, "roles": sorted(member.roles) if member is not None else []}


def _agent_guard(project: Project, case: Case) -> Guard | None:
    if not case.agent:
        return None
    spec = project.agents.get(case.agent)
    if spec is None:
        return {"rule": "agent-unknown", "text": f"The project has no agent {case.agent}"}
    operation = case.compiled.operation.id
    if spec.may_use(operation):
        return None
    return {"rule": "agent-operations", "text": f"The agent {case.agent} is not meant to use {operation}"}


def _origins(project: Project, case: Case) -> tuple[dict[str, Origin], Label]:
    memory, operation = case.session.memory, case.compiled.operation
    origins = memory.origins(operation, case.input, project.book)
    for name, place in case.vouched.items():
        if place is APPROVER:
            origins[name] = Origin((Source.person,), (place,), naming=Naming.named)
        else:
            known = origins[name]
            label = case.undone if known.unknown else known.label
            origins[name] = Origin((Source.own,), (place,), label, naming=Naming.named)
    return origins, memory.label(operation, case.input, origins)
