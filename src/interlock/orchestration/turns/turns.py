"""Asking an agent: its model proposes, the one path decides, and the turn is kept and journalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.foundation.store import Statement
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.journal import Entry
from interlock.governance.policy import permitted_operations
from interlock.orchestration.actions import Actions, Proposal, View
from interlock.orchestration.agents import AgentRunner, AgentSpec, Asked, Ended, Models, Planning, Progress, Turn
from interlock.orchestration.escalations import Escalations
from interlock.orchestration.project import Project, Projects
from interlock.orchestration.sessions import PlanFixed, PlanTooLate, Session, Sessions, SessionUnknown
from interlock.orchestration.turns import store
from interlock.orchestration.turns.errors import AgentUnknown, TurnUnknown
from interlock.orchestration.turns.handing import HANDED_OVER, question
from interlock.orchestration.turns.keeping import Keeping
from interlock.orchestration.turns.kept import KeptTurn
from interlock.orchestration.turns.planning import derive
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal


class Turns:
    """Runs the project's built-in agents. Every turn is kept, so that it survives its process."""

    def __init__(
        self,
        projects: Projects,
        sessions: Sessions,
        actions: Actions,
        models: Models,
        escalations: Escalations,
        keeping: Keeping,
        telemetry: Telemetry = OFF,
    ) -> None:
        self._projects = projects
        self._sessions = sessions
        self._models = models
        self._escalations = escalations
        self._telemetry = telemetry
        self.keeping = keeping
        self._runner = AgentRunner(models, _Path(actions, projects), keeping.clock)

    async def ask(self, agent: str, session: Session, words: str, *, asker: Principal | None = None) -> Turn:
        """Give *words*, which the session has already heard, to *agent*. Raises `AgentUnknown`.

        *asker* is who asks: with that authority a plan is fixed before the turn reads anything, where the agent's
        file has plans derived. A turn that waits is gone on with by itself when what it waits for has ended.
        """
        project = self._projects.current
        spec = self._agent(project, agent, session)
        left_out: tuple[str, ...] = ()
        unplanned = session.plan is None and not session.memory.tainted
        if asker is not None and spec.planning is Planning.derived and unplanned:
            session, left_out = await self._planned_first(asker, session, spec)
        now = self.keeping.clock.now()
        kept = KeptTurn(
            id=new_id("trn"),
            tenant=session.tenant,
            session=session.id,
            agent=agent,
            asker=asker.name if asker is not None else session.opener,
            words=words,
            progress=Progress(),
            created=now,
            updated=now,
        )
        return replace(await self._run(kept, spec, session, None), left_out=left_out)

    async def get(self, turn_id: str, principal: Principal) -> KeptTurn:
        """Return a turn of a session that *principal* may see. Raises `TurnUnknown`."""
        kept = await store.load(self.keeping.database, turn_id)
        if kept is None or kept.tenant != principal.tenant:
            raise _unknown()
        try:
            await self._sessions.find(kept.session, principal)
        except SessionUnknown as error:
            raise _unknown() from error
        return kept

    async def page(self, session_id: str, principal: Principal, *, before: str = "", limit: int = 50) -> list[KeptTurn]:
        """Return the turns of a session that *principal* may see, newest first. Raises `SessionUnknown`."""
        await self._sessions.find(session_id, principal)
        return await store.of_session(self.keeping.database, session_id, before=before, limit=limit)

    async def go_on(self, kept: KeptTurn) -> None:
        """Go on with *kept*, which this process has claimed, from where it stands."""
        spec = self._projects.current.agents.get(kept.agent)
        session = await self._sessions.get(kept.session)
        if spec is None or session is None or session.closed:
            gone = "The agent" if spec is None else "The session"
            await self._abandon(kept, f"{gone} is not there any more, so that nothing more was done.")
            return
        await self._run(kept, spec, session, kept.progress)

    async def abandon(self, kept: KeptTurn, words: str, because: Mapping[str, Any]) -> None:
        """End *kept*, which cannot be gone on with, saying so in *words*."""
        if await self.keeping.claim(kept, because):
            await self._abandon(kept, words)

    async def _abandon(self, kept: KeptTurn, words: str) -> None:
        progress = kept.progress
        turn = Turn(kept.session, kept.words, words, Ended.abandoned, progress=progress, label=progress.label)
        kept.take(turn)
        await self.keeping.end(kept, turn)

    async def _run(self, kept: KeptTurn, spec: AgentSpec, session: Session, progress: Progress | None) -> Turn:
        """Run *kept* from *progress*, or from its beginning, until it ends or waits."""
        project = self._projects.current
        principal = Principal(Kind.agent, kept.agent, session.tenant, spec.roles)
        clearance = project.clearance_of(principal)
        history, label = await self.keeping.history(session.id, clearance, before=kept.id)
        asked = Asked(
            session.id,
            principal,
            kept.words,
            operations=_permitted(project, principal),
            session=session.view(project.settings.verification),
            history=history,
            label=label,
            clearance=clearance,
            turn_id=kept.id,
        )
        with self.keeping.running(kept), self._telemetry.agent(kept.agent, session=session.id):
            turn = await self._runner.ask(spec, asked, progress, partial(self.keeping.step, kept))
            kept.take(turn)
            entries, changes = self._handed_over(kept, spec, turn)
            turn = replace(turn, answer=kept.answer, escalation=kept.waits_for if entries else "")
            await self.keeping.end(kept, turn, further=entries, changes=changes)
        return turn

    def _handed_over(self, kept: KeptTurn, spec: AgentSpec, turn: Turn) -> tuple[list[Entry], list[Statement]]:
        """Put a turn that could not go on before a person, where the agent's file says so."""
        if not spec.escalate or turn.ended not in HANDED_OVER:
            return [], []
        escalation, changes = self._escalations.ask(question(kept, spec, turn))
        kept.wait_for_person(escalation.id, spec.escalate)
        return [self._escalations.opened(escalation, f"agent:{kept.agent}")], changes

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
        derived = await derive(self._models, spec, session, operations, asker)
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
            await self.keeping.note(entry)
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


def _unknown() -> TurnUnknown:
    return TurnUnknown("there is no such turn for this credential", fix="list a session's: GET /v1/turns?session=...")


class _Path:
    """The one path, as agents call it; they are shown what their clearance admits."""

    def __init__(self, actions: Actions, projects: Projects) -> None:
        self._actions = actions
        self._projects = projects

    async def propose(
        self, session_id: str, principal: Principal, operation: str, arguments: dict[str, Any], *, key: str = ""
    ) -> Mapping[str, Any]:
        action = await self._actions.propose(principal, Proposal(session_id, operation, arguments, client_key=key))
        return View(self._projects.current, principal).action(action).to_json()


def _permitted(project: Project, principal: Principal) -> list[Any]:
    names = permitted_operations(principal.to_json(), project.policies)
    return [project.catalog.operations[name].operation for name in names]
