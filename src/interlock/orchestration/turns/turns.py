"""Asking an agent: its model proposes, the one path decides, and the turn is journalled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.journal import Entry, Journal
from interlock.governance.policy import permitted_operations
from interlock.intelligence.cache import Cache
from interlock.intelligence.gateway import (
    Answers,
    EmbeddingRequest,
    Embeddings,
    ModelReply,
    ModelRequest,
)
from interlock.intelligence.usage import Metering
from interlock.orchestration.actions import Actions, Proposal, View
from interlock.orchestration.agents import AgentRunner, AgentSpec, Asked, Planning, Turn
from interlock.orchestration.project import Project, Projects
from interlock.orchestration.sessions import PlanFixed, PlanTooLate, Session, Sessions
from interlock.orchestration.turns.caching import Caching
from interlock.orchestration.turns.degrading import Degrading
from interlock.orchestration.turns.errors import AgentUnknown
from interlock.orchestration.turns.metered import Metered
from interlock.orchestration.turns.planning import derive
from interlock.values.clearances import Clearance
from interlock.values.labels import PUBLIC, Label
from interlock.values.principals import Kind, Principal

CONVERSATIONS = 1000
REMEMBERED = 40


class Turns:
    """Runs the project's built-in agents. Conversations are kept in memory, the newest of each session."""

    def __init__(
        self,
        projects: Projects,
        sessions: Sessions,
        actions: Actions,
        journal: Journal,
        metering: Metering,
        telemetry: Telemetry = OFF,
    ) -> None:
        self._projects = projects
        self._sessions = sessions
        self._actions = actions
        self._journal = journal
        self._telemetry = telemetry
        self.metering = metering
        self._runner = AgentRunner(self, _Path(actions, projects), metering.clock)
        self._asked = Metered(projects, journal, metering, telemetry)
        cache = Cache(metering.clock.monotonic)
        routes, told, metrics = self._asked.routes, self._asked.told, metering.metrics
        self._answers = Degrading(Caching(self._asked, routes, cache, told, metrics), routes, told, metrics)
        self._conversations: OrderedDict[str, tuple[list[Mapping[str, Any]], Label]] = OrderedDict()

    async def ask(self, agent: str, session: Session, words: str, *, asker: Principal | None = None) -> Turn:
        """Give *words*, which the session has already heard, to *agent*. Raises `AgentUnknown`.

        *asker* is who asks: with that authority a plan is fixed before the turn reads anything, where the agent's
        file has plans derived.
        """
        project = self._projects.current
        spec = self._agent(project, agent, session)
        left_out: tuple[str, ...] = ()
        unplanned = session.plan is None and not session.memory.tainted
        if asker is not None and spec.planning is Planning.derived and unplanned:
            session, left_out = await self._planned_first(asker, session, spec)
        principal = Principal(Kind.agent, agent, session.tenant, spec.roles)
        history, label = self._history(session.id, project.clearance_of(principal))
        asked = Asked(
            session.id,
            principal,
            words,
            operations=_permitted(project, principal),
            session=session.view(project.settings.verification),
            history=history,
            label=label,
            clearance=project.clearance_of(principal),
        )
        with self._telemetry.agent(agent, session=session.id):
            turn = await self._runner.ask(spec, asked)
        self._keep(session.id, [*history, *turn.messages], turn.label)
        await self._record(session, agent, turn)
        return replace(turn, left_out=left_out)

    async def plan(self, asker: Principal, session_id: str) -> tuple[Session, tuple[str, ...]]:
        """Derive a plan from the person's words in a session, and fix it with the authority of *asker*.

        Return the session, which still has no plan where none could be derived, and what was left out of it. Raises
        `AgentUnknown` for a session that is for no agent, and as `Sessions.fix_plan` does.
        """
        session = await self._sessions.unplanned(asker, session_id)
        return await self._plan(asker, session, self._agent(self._projects.current, session.agent, session))

    async def _planned_first(
        self, asker: Principal, session: Session, spec: AgentSpec
    ) -> tuple[Session, tuple[str, ...]]:
        """Derive and fix a plan if it is not too late for one; the turn goes on either way."""
        try:
            return await self._plan(asker, await self._sessions.unplanned(asker, session.id), spec)
        except (PlanFixed, PlanTooLate) as error:
            return await self._sessions.use(session.id, asker), (f"{error.what[0].upper()}{error.what[1:]}.",)

    async def _plan(self, asker: Principal, session: Session, spec: AgentSpec) -> tuple[Session, tuple[str, ...]]:
        principal = Principal(Kind.agent, spec.name, session.tenant, spec.roles)
        operations = _permitted(self._projects.current, principal)
        derived = await derive(self, spec, session, operations, asker)
        if derived.steps:
            session = await self._sessions.fix_plan(
                asker, session.id, derived.steps, derived_by=derived.by, left_out=derived.left_out
            )
        else:
            entry = Entry(
                kind="session.not_planned",
                tenant=session.tenant,
                subject=session.id,
                session=session.id,
                actor=asker.name,
                body={"agent": spec.name, "derived_by": derived.by},
                fields={"left_out": list(derived.left_out)},
            )
            await self._journal.record([entry])
        return session, derived.left_out

    @staticmethod
    def _agent(project: Project, agent: str, session: Session) -> AgentSpec:
        spec = project.agents.get(agent)
        if spec is None or session.agent not in ("", agent):
            known = ", ".join(sorted(project.agents)) or "none"
            raise AgentUnknown(
                "the session is not for this agent, or the project has none of this name",
                fix=f"agents of this project: {known}",
            )
        return spec

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the answer of the active project's route, kept or new, or what stands in for one that is too slow.

        What a call to a model may cost is reserved first; when the project's routes change, calls under way end on the
        ones they began with. Raises as `Gateway.complete` does, `BudgetExceeded`, `BudgetUnpriced`.
        """
        return await self._answers.complete(route, request)

    def stream(self, route: str, request: ModelRequest) -> Answers:
        """Yield the answer of the active project's route as it comes: as `complete`, and as `Gateway.stream` yields."""
        return self._answers.stream(route, request)

    async def embed(self, route: str, request: EmbeddingRequest) -> Embeddings:
        """Return vectors by the active project's route for embeddings. Raises as `complete` does, and `RouteUnfit`."""
        return await self._asked.embed(route, request)

    async def _record(self, session: Session, agent: str, turn: Turn) -> None:
        body = {
            "agent": agent,
            "ended": turn.ended.value,
            "provider": turn.provider,
            "model": turn.model,
            "actions": [str(step.action.get("id", "")) for step in turn.steps],
            "label": turn.label.to_json(),
        }
        entry = Entry(
            kind="turn.answered",
            tenant=session.tenant,
            subject=session.id,
            session=session.id,
            actor=f"agent:{agent}",
            body=body,
            fields={"words": turn.words, "answer": turn.answer},
        )
        await self._journal.record([entry])

    def _history(self, session_id: str, clearance: Clearance) -> tuple[Sequence[Mapping[str, Any]], Label]:
        """Return the conversation so far and its label; where it says more than this agent may see, it begins anew."""
        messages, label = self._conversations.get(session_id, ([], PUBLIC))
        return (messages, label) if clearance.admits(label) else ([], PUBLIC)

    def _keep(self, session_id: str, kept: list[Mapping[str, Any]], label: Label) -> None:
        if len(kept) > REMEMBERED:
            starts = [at for at, message in enumerate(kept) if message["role"] == "user"]
            at = next((start for start in starts if len(kept) - start <= REMEMBERED), starts[-1])
            kept = kept[at:]
        self._conversations.pop(session_id, None)
        self._conversations[session_id] = (kept, label)
        if len(self._conversations) > CONVERSATIONS:
            self._conversations.popitem(last=False)


class _Path:
    """The one path, as agents call it; they are shown what their clearance admits."""

    def __init__(self, actions: Actions, projects: Projects) -> None:
        self._actions = actions
        self._projects = projects

    async def propose(
        self, session_id: str, principal: Principal, operation: str, arguments: dict[str, Any]
    ) -> Mapping[str, Any]:
        action = await self._actions.propose(principal, Proposal(session_id, operation, arguments))
        return View(self._projects.current, principal).action(action).to_json()


def _permitted(project: Project, principal: Principal) -> list[Any]:
    names = permitted_operations(principal.to_json(), project.policies)
    return [project.catalog.operations[name].operation for name in names]
