"""A session that somebody hands over to people by hand, with what was asked, seen and tried in it."""

from __future__ import annotations

from typing import Any

from interlock.orchestration.actions import Action, Actions
from interlock.orchestration.escalations.errors import EscalationForbidden, EscalationInvalid
from interlock.orchestration.escalations.escalation import Escalation, Question, Source
from interlock.orchestration.escalations.escalations import Escalations
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import Sessions
from interlock.values.clearances import EVERY
from interlock.values.labels import Confidentiality, Label
from interlock.values.principals import Principal

NEWEST = 50
"""How many of a session's actions are told."""

UNTOLD = Label(Confidentiality.restricted, EVERY)
"""Of an action that was stored without its label."""


class Handover:
    """Hands sessions over to people."""

    def __init__(self, projects: Projects, sessions: Sessions, actions: Actions, escalations: Escalations) -> None:
        self._projects = projects
        self._sessions = sessions
        self._actions = actions
        self._escalations = escalations

    async def hand_over(self, principal: Principal, session_id: str, words: str, *, role: str = "") -> Escalation:
        """Put a session before the people of *role*, by default those of the project's `escalations.role`.

        *principal* is one who may add to the session. Raises `SessionUnknown` and `SessionClosed`,
        `EscalationForbidden` for an agent, and `EscalationInvalid` for a role that nobody has.
        """
        session = await self._sessions.use(session_id, principal)
        if not session.extends(principal):
            raise EscalationForbidden(
                "an agent cannot hand a session over in a person's name",
                why="who takes it up would believe that a person asked",
                fix="give the agent `escalate` in its file, or let the person's channel make this call",
            )
        settings = self._projects.current.settings
        role = role or settings.escalations.role
        if not role or role not in settings.roles:
            raise EscalationInvalid(
                f"no role {role!r} is declared" if role else "it is not said who is to be asked",
                fix="name a declared role, or set `escalations: {role: ...}` in interlock.yaml",
            )
        actions = await self._actions.page(principal, session=session_id, limit=NEWEST)
        label = Label()
        for action in actions:
            label = label.join(action.label if action.label is not None else UNTOLD)
        question = Question(
            tenant=session.tenant,
            role=role,
            source=Source.person,
            name=principal.name,
            subject=session_id,
            reason="handed_over",
            words=words,
            session=session_id,
            story={
                "asked": {"by": session.opener, "customer": session.customer, "words": list(session.requests)},
                "seen": [action.output for action in reversed(actions) if action.output is not None],
                "tried": [_told(action) for action in reversed(actions)],
            },
            label=label,
        )
        return await self._escalations.open(question, principal.name)


def _told(action: Action) -> dict[str, Any]:
    return {
        "operation": action.operation,
        "arguments": action.input,
        "action": action.id,
        "state": action.state.value,
        "decision": action.decision.to_json(),
        "problem": action.problem,
    }
