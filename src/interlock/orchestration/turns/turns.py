"""Asking an agent: its model proposes, the one path decides, and the turn is kept and journalled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.foundation.faults import fault
from interlock.foundation.store import Statement
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced
from interlock.governance.journal import Entry
from interlock.governance.policy import permitted_operations
from interlock.orchestration.actions import Actions, Proposal, View
from interlock.orchestration.agents import (
    PERSON,
    AgentRunner,
    AgentSpec,
    Asked,
    Ended,
    Models,
    Planning,
    Progress,
    Turn,
)
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

MOST_HAND_OFFS = 5
"""How often one request is handed over from agent to agent."""


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
        kept = self._new(new_id("trn"), agent, session, words, asker.name if asker is not None else session.opener)
        first = not await store.of_session(self.keeping.database, session.id, limit=1)
        turn = await self._run(kept, spec, session, None)
        return replace(turn, left_out=left_out, greeting=spec.disclosure if first else "")

    async def play(self, turn_id: str, agent: str, session: Session, words: str, *, asker: str) -> Turn:
        """Give *words* to one of several agents that work in *session*, as the turn *turn_id*."""
        kept = self._new(turn_id, agent, session, words, asker)
        spec = self._projects.current.agents.get(agent)
        if spec is None:
            return await self._abandon(kept, f"{agent} is not there any more, so that nothing more was done.")
        return await self._within_budget(kept, spec, session, None)

    async def find(self, turn_id: str) -> KeptTurn | None:
        """Return a turn, whoever asks; None where it has not been kept yet."""
        return await store.load(self.keeping.database, turn_id)

    def _new(self, turn_id: str, agent: str, session: Session, words: str, asker: str) -> KeptTurn:
        now = self.keeping.clock.now()
        return KeptTurn(
            id=turn_id,
            tenant=session.tenant,
            session=session.id,
            agent=agent,
            asker=asker,
            words=words,
            progress=Progress(),
            created=now,
            updated=now,
        )

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
        # One that was begun and had not come to its first step begins anew.
        await self._within_budget(kept, spec, session, kept.progress if kept.progress.messages else None)

    async def abandon(self, kept: KeptTurn, words: str, because: Mapping[str, Any]) -> None:
        """End *kept*, which cannot be gone on with, saying so in *words*."""
        with self.keeping.running(kept):  # or a round of going on would take it up between the two
            if await self.keeping.claim(kept, because):
                await self._abandon(kept, words)

    async def _abandon(self, kept: KeptTurn, words: str) -> Turn:
        progress = kept.progress
        turn = Turn(
            kept.session, kept.words, words, Ended.abandoned, progress=progress, label=progress.label, id=kept.id
        )
        kept.take(turn)
        await self.keeping.end(kept, turn)
        return turn

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
            colleagues={name: other.description for name, other in project.agents.items() if name != kept.agent},
        )
        with ExitStack() as further:
            with self.keeping.running(kept), self._telemetry.agent(kept.agent, session=session.id):
                turn = await self._runner.ask(spec, asked, progress, partial(self.keeping.step, kept))
                if turn.handed_to and kept.hand_offs >= MOST_HAND_OFFS:
                    words = f"I stopped: this has been handed over {kept.hand_offs} times already."
                    turn = replace(turn, ended=Ended.no_progress, answer=words, handed_to="")
                kept.take(turn)
                follow = await self._follow_up(kept, turn, session, principal)
                entries, changes = self._handed_over(kept, spec, turn)
                turn = replace(turn, answer=kept.answer, escalation=kept.waits_for if entries else "")
                if follow is not None:
                    # Before it is stored: a round of going on would take it for one that was left behind.
                    further.enter_context(self.keeping.running(follow))
                    changes.append(self.keeping.begun(follow))
                await self.keeping.end(kept, turn, further=entries, changes=changes)
            fault("turn.handed_over")
            return turn if follow is None else await self._next(follow, session)

    async def _within_budget(
        self, kept: KeptTurn, spec: AgentSpec, session: Session, progress: Progress | None
    ) -> Turn:
        """Run *kept* where nobody waits for an error: that a budget does not allow the first call is its end too."""
        try:
            return await self._run(kept, spec, session, progress)
        except (BudgetExceeded, BudgetUnpriced):
            return await self._abandon(kept, "A budget does not allow to ask a model; nothing was done.")

    async def _next(self, follow: KeptTurn, session: Session) -> Turn:
        """Let the agent that a request was handed over to go on with it."""
        spec = self._projects.current.agents.get(follow.agent)
        if spec is None:
            return await self._abandon(follow, f"{follow.agent} is not there any more, so that nothing more was done.")
        return await self._within_budget(follow, spec, session, None)

    async def _follow_up(self, kept: KeptTurn, turn: Turn, session: Session, by: Principal) -> KeptTurn | None:
        """Return the turn of the agent that *turn* was handed over to, which may then work in the session."""
        if turn.handed_to in ("", PERSON):
            return None
        await self._sessions.join(session.id, [turn.handed_to], by)
        return kept.follow_up(new_id("trn"), turn.handed_to, self.keeping.clock.now())

    def _handed_over(self, kept: KeptTurn, spec: AgentSpec, turn: Turn) -> tuple[list[Entry], list[Statement]]:
        """Put a turn that could not go on before a person, where the agent's file or the project says so."""
        asked_for = turn.handed_to == PERSON
        role = spec.escalate or self._projects.current.settings.escalations.role
        if not role or not (asked_for or turn.ended in HANDED_OVER):
            return [], []
        escalation, changes = self._escalations.ask(question(kept, role, turn))
        kept.wait_for_person(escalation.id, role)
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
