"""Actions that wait: looking at the world again, confirming, editing, and going on when nothing is unmet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.foundation.store import Database, Statement
from interlock.orchestration.actions import store
from interlock.orchestration.actions.action import Action
from interlock.orchestration.actions.actions import STATES, Actions
from interlock.orchestration.actions.errors import ActionForbidden, ActionStateInvalid, EditRefused
from interlock.orchestration.actions.execution import Execution
from interlock.orchestration.actions.judge import APPROVER, UNDO, Case, Judge, Judgement
from interlock.orchestration.actions.view import View
from interlock.orchestration.approvals import Approval, ApprovalState, ConsentStale
from interlock.orchestration.approvals import store as approval_store
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import Session, Sessions
from interlock.orchestration.sessions.plan import OUTSIDE, keeps
from interlock.values.actions import ActionState
from interlock.values.decisions import Decision, Outcome, Reason, Requirement
from interlock.values.digests import digest
from interlock.values.labels import PUBLIC
from interlock.values.principals import Principal

_GONE = Reason("operation-gone", "The project no longer has this operation")


class Waiting:
    """Takes waiting actions further. Every step judges the action anew: consent is never carried to another case."""

    def __init__(
        self,
        database: Database,
        projects: Projects,
        sessions: Sessions,
        actions: Actions,
        judge: Judge,
        execution: Execution,
    ) -> None:
        self._database = database
        self._projects = projects
        self._sessions = sessions
        self._actions = actions
        self._judge = judge
        self._execution = execution

    async def refresh(self, action_id: str) -> str:
        """Judge the action anew; if what consent binds to has changed, void what was given and ask anew.

        Return the present consent: the empty string where the action does not wait any more.
        """
        action, session = await self._load(action_id)
        if action.state is not ActionState.waiting:
            return ""
        judgement = await self._judge_again(action, session)
        if judgement is None:
            await self._deny(action, _GONE)
            return ""
        if judgement.consent != action.consent:
            await self._ask_anew(action, session, judgement, "action.consent_void")
        return action.consent

    async def confirm(self, action_id: str, principal: Principal, *, consent: str) -> Action:
        """Take the confirmation of the session's own person, bound to the consent they were shown."""
        action = await self._actions.get(action_id, principal)
        session = await self._sessions.use(action.session, principal)
        if not principal.present or not session.is_person(principal):
            raise ActionForbidden(
                "only the session's own person can confirm, with a credential that says a person is present",
                why="an agent cannot answer for the person it works for",
                fix="confirm with the person's own key or token",
            )
        if action.state is not ActionState.waiting:
            raise ActionStateInvalid(
                f"the action is {action.state.value}; nothing waits for a confirmation",
                why="a confirmation counts once",
            )
        if await self.refresh(action_id) != consent:
            raise ConsentStale(
                "this confirmation is for something else than what would run now",
                why="the arguments, the policy or the target record changed since they were shown",
                fix="look at the action again and confirm its present consent",
                action=action_id,
            )
        action, session = await self._load(action_id)
        requirement = str(Requirement("confirm"))
        if requirement not in {str(unmet) for unmet in action.unmet()}:
            raise ActionStateInvalid("the action does not wait for a confirmation")
        action.met[requirement] = {"consent": consent, "by": principal.name, "at": self._sessions.clock.now()}
        entry = self._actions.entry(action, "action.confirmed", principal.name, {"consent": consent})
        await self._actions.save(action, ActionState.waiting, [entry])
        return await self.resume(action_id)

    async def edit(self, action_id: str, edited: dict[str, Any], editor: Principal) -> str:
        """Replace the arguments and decide anew; raises `EditRefused` where policy does not allow the result.

        What was masked for the editor and comes back as the mask stays as it is.
        """
        action, session = await self._load(action_id)
        shown = View(self._projects.current, editor).action(action).input
        hidden = {name for name, value in shown.items() if value is not action.input[name]}
        edited = {
            name: action.input[name] if name in hidden and value == shown[name] else value
            for name, value in edited.items()
        }
        self._projects.current.catalog.operation(action.operation).check_input(edited)
        changed = {name for name, value in edited.items() if action.input.get(name) != value}
        action.vouched = sorted({*action.vouched, *changed} & edited.keys())
        action.input, action.arguments = edited, digest([action.operation, edited])
        if action.place and not keeps(session.plan or (), action.place, action.operation, edited):
            action.place = OUTSIDE
        judgement = await self._judge_again(action, session)
        if judgement is None or judgement.decision.outcome is not Outcome.wait:
            decision = judgement.decision if judgement else action.decision
            raise EditRefused(
                f"with these arguments the decision is {decision.outcome.value}",
                why="; ".join(reason.text for reason in decision.reasons),
                fix="reject the action, or edit it differently",
                rules=[reason.rule for reason in decision.reasons],
            )
        await self._ask_anew(action, session, judgement, "action.edited", actor=editor.name)
        return action.consent

    async def resume(self, action_id: str) -> Action:
        """Run the action if all its requirements are met under the present consent; deny it if one was refused.

        If somebody else takes it further at the same moment, that stands, and the action is returned as it is then.
        """
        try:
            return await self._resume(action_id)
        except ActionStateInvalid:
            return (await self._load(action_id))[0]

    async def _resume(self, action_id: str) -> Action:
        action, session = await self._load(action_id)
        if action.state is not ActionState.waiting:
            return action
        approvals = await approval_store.of_action(self._database, action.id)
        refused = _refusal(approvals)
        if refused is not None:
            return await self._deny(action, refused)
        judgement = await self._judge_again(action, session)
        if judgement is None:
            return await self._deny(action, _GONE)
        if judgement.consent != action.consent:
            await self._ask_anew(action, session, judgement, "action.consent_void")
            return action
        lapsed = _meet(action, approvals, self._sessions.clock.now())
        asked = action.decision.requirements
        action.decision = judgement.decision
        held = judgement.decision.outcome is Outcome.wait and not judgement.decision.requirements
        if held or action.unmet():
            if lapsed or judgement.decision.requirements != asked:
                kind = "action.consent_lapsed" if lapsed else "action.requirements_changed"
                await self._ask_anew(action, session, judgement, kind, lapsed=lapsed)
            return action
        return await self._go(action, session, judgement)

    async def resume_session(self, session_id: str) -> list[Action]:
        """Try every waiting action of a session again, after its verification was raised."""
        found = await store.of_session(self._database, session_id, limit=500)
        return [await self.resume(action.id) for action in found if action.state is ActionState.waiting]

    async def _go(self, action: Action, session: Session, judgement: Judgement) -> Action:
        operation = self._projects.current.catalog.operation(action.operation).operation
        outcome = judgement.decision.outcome
        allowed = outcome in (Outcome.allow, Outcome.wait)
        action.state = ActionState.executing if allowed else STATES[outcome]
        action.owner = self._actions.writer if allowed else ""
        _bind(action, judgement)
        entry = self._actions.decided(action, judgement, kind="action.redecided")
        with self._execution.holding(action.id):
            await self._actions.save(action, ActionState.waiting, [entry], [approval_store.dismiss(action.id)])
            if not allowed or action.external:
                return action
            return await self._execution.run(action, operation, session)

    async def _ask_anew(
        self,
        action: Action,
        session: Session,
        judgement: Judgement,
        kind: str,
        *,
        actor: str = "",
        lapsed: Sequence[Approval] = (),
    ) -> None:
        """Store the new judgement of a waiting action; consents bound to another case, or *lapsed*, become void."""
        outcome = judgement.decision.outcome
        action.decision, action.consent, action.record = judgement.decision, judgement.consent, judgement.record
        _bind(action, judgement)
        action.met = {name: met for name, met in action.met.items() if met["consent"] == action.consent}
        changes: list[Statement] = [approval_store.void(action.id, keep=action.consent)]
        changes += [approval_store.lapse(approval) for approval in lapsed]
        if outcome in (Outcome.allow, Outcome.wait):
            action.shown = judgement.shown(session)
            asked = await approval_store.of_action(self._database, action.id)
            changes += self._actions.ask(action, session, asked=asked)
        else:
            action.state = STATES[outcome]
            changes.append(approval_store.dismiss(action.id))
        entry = self._actions.decided(action, judgement, kind=kind)
        if actor:
            entry = self._actions.entry(action, kind, actor, dict(entry.body), dict(entry.fields))
        await self._actions.save(action, ActionState.waiting, [entry], changes)

    async def _deny(self, action: Action, reason: Reason) -> Action:
        action.state = ActionState.denied
        action.decision = Decision(
            Outcome.deny, (reason,), (), action.decision.policies, action.decision.policy_version
        )
        entry = self._actions.entry(
            action,
            "action.denied",
            action.principal,
            {"rule": reason.rule, "operation": action.operation},
            {"reasons": [reason.text]},
        )
        await self._actions.save(action, ActionState.waiting, [entry], [approval_store.void(action.id)])
        return action

    async def _judge_again(self, action: Action, session: Session) -> Judgement | None:
        project, judgement = self._projects.current, await self._judged(action, session)
        while project is not self._projects.current:  # it changed while facts were read
            project, judgement = self._projects.current, await self._judged(action, session)
        return judgement

    async def _judged(self, action: Action, session: Session) -> Judgement | None:
        project = self._projects.current
        compiled = project.catalog.operations.get(action.operation)
        if compiled is None:
            return None
        case = Case(
            session,
            action.who,
            compiled,
            action.input,
            action.arguments,
            usage=session.usage(action.operation, action.arguments),
            vouched=_vouched(action),
            again=True,
            outlasts=action.outlasts,
            place=action.place,
            undone=action.label or PUBLIC,
        )
        return await self._judge.judge(project, case)

    async def _load(self, action_id: str) -> tuple[Action, Session]:
        action = await store.load(self._database, action_id)
        session = await self._sessions.get(action.session) if action is not None else None
        assert action is not None
        assert session is not None
        return action, session


def _bind(action: Action, judgement: Judgement) -> None:
    """Take over from a new judgement what it was about."""
    action.definition = judgement.snapshot.digest
    action.labels, action.label, action.steered = judgement.labels, judgement.data, judgement.steered


def _vouched(action: Action) -> dict[str, str]:
    """Return who chose an argument's value, where that was neither the agent nor anything it read."""
    if action.undo_of:
        return dict.fromkeys(action.input, UNDO)
    return dict.fromkeys(action.vouched, APPROVER)


def _refusal(approvals: list[Approval]) -> Reason | None:
    for approval in approvals:
        if approval.state is ApprovalState.rejected:
            by = approval.decisions[-1]["by"]
            return Reason("approval-rejected", f"{by}, asked as {approval.role}, rejected it")
        if approval.state is ApprovalState.expired:
            return Reason("approval-expired", f"Nobody in the role {approval.role} decided in time")
    return None


def _meet(action: Action, approvals: list[Approval], now: float) -> list[Approval]:
    """Note which approvals stand under the present consent; return those that were given too long ago to count."""
    lapsed = []
    action.met = {name: met for name, met in action.met.items() if not name.startswith("approval:")}
    for approval in approvals:
        if approval.state is not ApprovalState.approved or approval.consent != action.consent:
            continue
        if approval.lapses() < now:
            lapsed.append(approval)
            continue
        by = [decision["by"] for decision in approval.decisions if decision["verdict"] == "approve"]
        action.met[approval.requirement] = {"consent": approval.consent, "by": by}
    return lapsed
