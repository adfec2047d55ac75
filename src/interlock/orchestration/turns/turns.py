"""Asking an agent: its model proposes, the one path decides, and the turn is journalled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.journal import Entry, Journal
from interlock.governance.policy import permitted_operations
from interlock.intelligence.gateway import Gateway, ModelReply, ModelRequest
from interlock.orchestration.actions import Actions, Proposal, View
from interlock.orchestration.agents import AgentRunner, Asked, Turn
from interlock.orchestration.project import Project, Projects
from interlock.orchestration.sessions import Session
from interlock.orchestration.turns.errors import AgentUnknown
from interlock.values.clearances import Clearance
from interlock.values.labels import PUBLIC, Label
from interlock.values.principals import Kind, Principal

CONVERSATIONS = 1000
REMEMBERED = 40


class Turns:
    """Runs the project's built-in agents. Conversations are kept in memory, the newest of each session."""

    def __init__(
        self, projects: Projects, actions: Actions, journal: Journal, clock: Clock, telemetry: Telemetry = OFF
    ) -> None:
        self._projects = projects
        self._actions = actions
        self._journal = journal
        self._telemetry = telemetry
        self._runner = AgentRunner(self, _Path(actions, projects), clock)
        self._gateway = Gateway(projects.current.routes, on_model_call=self._called)
        self._routes: Mapping[str, Any] = projects.current.routes
        self._conversations: OrderedDict[str, tuple[list[Mapping[str, Any]], Label]] = OrderedDict()

    async def ask(self, agent: str, session: Session, words: str) -> Turn:
        """Give *words*, which the session has already heard, to *agent*. Raises `AgentUnknown`."""
        project = self._projects.current
        spec = project.agents.get(agent)
        if spec is None or session.agent not in ("", agent):
            known = ", ".join(sorted(project.agents)) or "none"
            raise AgentUnknown(
                "the session is not for this agent, or the project has none of this name",
                fix=f"agents of this project: {known}",
            )
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
        )
        with self._telemetry.agent(agent, session=session.id):
            turn = await self._runner.ask(spec, asked)
        self._keep(session.id, [*history, *turn.messages], turn.label)
        await self._record(session, agent, turn)
        return turn

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Call the active project's route; the gateway is made anew when the project's routes changed."""
        routes = self._projects.current.routes
        if routes is not self._routes:
            self._routes, self._gateway = routes, Gateway(routes, on_model_call=self._called)
        with self._telemetry.chat(route, provider="interlock") as span:
            reply = await self._gateway.complete(route, request)
            span.set("gen_ai.provider.name", reply.provider)
            span.set("gen_ai.response.model", reply.model)
            span.set("gen_ai.usage.input_tokens", reply.usage.input_tokens)
            span.set("gen_ai.usage.output_tokens", reply.usage.output_tokens)
            return reply

    async def _called(self, call: dict[str, Any]) -> None:
        body, fields = dict(call["body"]), dict(call["fields"])
        session = str(body.pop("session", ""))
        entry = Entry(
            kind="model.called",
            tenant=str(body.pop("tenant", "")),
            subject=session,
            session=session,
            actor=str(body.pop("actor", "")),
            body=body,
            fields=fields,
        )
        await self._journal.record([entry])

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
