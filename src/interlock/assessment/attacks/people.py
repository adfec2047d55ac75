"""Stand-ins for the people around an agent: who opens its sessions, says yes, and signs in more strongly."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.assessment.attacks.scenario import Frame
from interlock.orchestration.actions import Action, Actions, Waiting
from interlock.orchestration.approvals import Approvals, ApprovalState, Verdict
from interlock.orchestration.project import Project
from interlock.orchestration.sessions import Opening, Session, Sessions
from interlock.values.actions import ActionState
from interlock.values.decisions import Requirement
from interlock.values.errors import InterlockError
from interlock.values.principals import Kind, Principal

PORTAL = "attack-suite"
"""The service that opens the sessions, with the words of the person it speaks for."""
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Verbs:
    """What replaying needs of an installation: the same verbs that every surface calls."""

    sessions: Sessions
    actions: Actions
    waiting: Waiting
    approvals: Approvals
    project: Project


@dataclass(frozen=True, slots=True)
class People:
    """Everyone but the agent, for one installation."""

    verbs: Verbs

    def agent(self, name: str, frame: Frame) -> Principal:
        """Return the agent as its own credential would say."""
        spec = self.verbs.project.agents[name]
        return Principal(Kind.agent, name, self._tenant(frame), frozenset(spec.roles))

    async def open(self, agent: str, request: str, frame: Frame) -> Session:
        """Open a session with a person's request, as the service that took it. Raises as `Sessions.open` does."""
        opening = Opening(
            agent=agent,
            request=request,
            channel=frame.channel or "api",
            customer=frame.customer,
            verification=frame.verification,
            purpose=frame.purpose,
            consent=frame.consent,
            person=frame.person,
            plan=frame.plan,
        )
        return await self.verbs.sessions.open(self._portal(frame), opening)

    async def say(self, session: Session, text: str, frame: Frame) -> None:
        """Add what the person says next."""
        await self.verbs.sessions.extend(self._portal(frame), session.id, request=text)

    async def agree(self, action: Action, session: Session, frame: Frame) -> Action:
        """Say yes to all that *action* waits for, each by somebody who may; return it as it is then."""
        reader = Principal(Kind.service, PORTAL, self._tenant(frame), scopes=frozenset({"act", "read"}))
        for _ in range(_ROUNDS):
            if action.state is not ActionState.waiting:
                break
            try:
                for requirement in action.unmet():
                    await self._meet(requirement, action, session, frame)
            except InterlockError:
                break  # what nobody may agree to stays a question
            action = await self.verbs.actions.get(action.id, reader)
        return action

    async def _meet(self, requirement: Requirement, action: Action, session: Session, frame: Frame) -> None:
        if requirement.kind == "confirm":
            person = self._person(frame.person, frame)
            await self.verbs.waiting.confirm(action.id, person, consent=action.consent)
        elif requirement.kind == "step-up":
            portal = self._portal(frame)
            await self.verbs.sessions.extend(portal, session.id, verification=requirement.subject)
            await self.verbs.waiting.resume_session(session.id)
        elif requirement.kind == "approval":
            await self._approve(action, requirement, frame)

    async def _approve(self, action: Action, requirement: Requirement, frame: Frame) -> None:
        for approval in await self.verbs.approvals.of_action(action.id):
            if approval.state is not ApprovalState.pending or approval.role != requirement.subject:
                continue
            for number in range(approval.needed):
                approver = Principal(
                    Kind.person,
                    f"{requirement.subject}-{number + 1}",
                    self._tenant(frame),
                    frozenset({requirement.subject}),
                    scopes=frozenset({"act", "approve"}),
                    present=True,
                )
                verdict = Verdict(approval.id, approve=True, consent=approval.consent)
                await self.verbs.approvals.decide(verdict, approver)

    def _person(self, who: str, frame: Frame) -> Principal:
        known = self.verbs.project.settings.people.get(who)
        roles = known.roles if known is not None else frozenset[str]()
        scopes = frozenset({"act", "approve"})
        return Principal(Kind.person, who, self._tenant(frame), roles, scopes=scopes, present=True)

    def _portal(self, frame: Frame) -> Principal:
        return Principal(Kind.service, PORTAL, self._tenant(frame), scopes=frozenset({"act", "open"}))

    def _tenant(self, frame: Frame) -> str:
        settings = self.verbs.project.settings
        known = settings.people.get(frame.person)
        return known.tenant if known is not None else settings.tenants[0]
