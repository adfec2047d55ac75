"""The verbs of actions: propose, look, confirm, cancel, undo, report, resolve. Every surface calls these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.expressions import ExpressionFailed
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import Answer, CompiledOperation, OperationUnknown
from interlock.orchestration.actions import store
from interlock.orchestration.actions.action import Action
from interlock.orchestration.actions.errors import (
    ActionForbidden,
    ActionStateInvalid,
    ActionUnknown,
    IdempotencyKeyReused,
    NothingToUndo,
)
from interlock.orchestration.actions.execution import Execution, compensated
from interlock.orchestration.actions.history import History
from interlock.orchestration.actions.judge import UNDO, Case, Judge, Judgement
from interlock.orchestration.actions.places import Places
from interlock.orchestration.approvals import Approval, Approvals, ApprovalState
from interlock.orchestration.approvals import store as approval_store
from interlock.orchestration.project import Project, Projects
from interlock.orchestration.sessions import Session, Sessions
from interlock.orchestration.sessions import store as session_store
from interlock.orchestration.sessions.plan import counted
from interlock.values.actions import WITHOUT_EFFECT, ActionState
from interlock.values.decisions import Outcome
from interlock.values.digests import digest
from interlock.values.identifiers import new_id
from interlock.values.labels import PUBLIC, Label
from interlock.values.principals import Kind, Principal

TRIES = 20  # each lost one means that somebody else's action took the place in the plan

STATES = {
    Outcome.allow: ActionState.executing,
    Outcome.wait: ActionState.waiting,
    Outcome.draft: ActionState.drafted,
    Outcome.shadow: ActionState.shadowed,
    Outcome.deny: ActionState.denied,
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants done. *client_key* makes a repeated proposal the same action.

    *undone_before* is an earlier undo of the same action, which had no effect; *undone* is that action's label.
    """

    session: str
    operation: str
    input: dict[str, Any] = field(default_factory=dict, repr=False)
    client_key: str = ""
    undo_of: str = ""
    undone_before: str = ""
    undone: Label = PUBLIC


class Actions:
    """All actions of the installation: the one path that every surface takes."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        projects: Projects,
        sessions: Sessions,
        approvals: Approvals,
        judge: Judge,
        execution: Execution,
    ) -> None:
        self._database = database
        self._journal = journal
        self._projects = projects
        self._sessions = sessions
        self._approvals = approvals
        self._judge = judge
        self._execution = execution
        self._telemetry = execution.telemetry
        self._clock: Clock = sessions.clock
        self._places = Places(database)
        sessions.history = History(database, projects).rebuild

    async def propose(self, principal: Principal, proposal: Proposal) -> Action:
        """Decide on a proposal and, if it is allowed as it stands, run it.

        A refusal is an action in the state `denied`, not an error. Raises `SessionUnknown`, `SessionClosed`,
        `OperationUnknown`, `InputInvalid` and `IdempotencyKeyReused` for proposals that cannot be judged at all;
        those are journalled too.
        """
        session = await self._sessions.use(proposal.session, principal)
        arguments = digest([proposal.operation, proposal.input])
        if proposal.client_key:
            known = await store.by_client_key(self._database, session.id, proposal.client_key)
            if known is not None:
                return _same(known, arguments)
        for _ in range(TRIES):
            action = await self._try(principal, proposal, session, arguments)
            if action is not None:
                return action
            session = await self._sessions.use(proposal.session, principal)
        raise Conflict("others take the session's plan at the same moment", fix="try again")

    async def _try(self, principal: Principal, proposal: Proposal, session: Session, arguments: str) -> Action | None:
        """Judge the proposal and act on it; None, with nothing done, where another took its place in the plan first."""
        project, compiled = await self._compiled(session, principal, proposal)
        usage = session.begin(proposal.operation, arguments)
        place = await self._places.find(project, session, principal, compiled.operation, proposal.input)
        case = Case(
            session,
            principal.to_json(),
            compiled,
            proposal.input,
            arguments,
            usage=usage,
            place=place,
            vouched=dict.fromkeys(proposal.input, UNDO) if proposal.undo_of else {},
            undone=proposal.undone,
        )
        action_id = new_id("act")
        telemetry = self._telemetry
        with telemetry.action(proposal.operation, action=action_id, session=session.id, agent=case.agent) as span:
            judgement = await self._judge.judge(project, case)
            while project is not self._projects.current:  # it changed while facts were read
                project, compiled = await self._compiled(session, principal, proposal)
                case = replace(case, compiled=compiled)
                judgement = await self._judge.judge(project, case)
            action = await self._take(action_id, principal, proposal, case, judgement)
            if action is not None:
                telemetry.label(span, action.label)
            return action

    async def _take(
        self, action_id: str, principal: Principal, proposal: Proposal, case: Case, judgement: Judgement
    ) -> Action | None:
        action = self._begin(action_id, principal, proposal, case, judgement)
        with self._execution.holding(action_id):
            try:
                await self._record_decision(action, case.session, judgement, undone_before=proposal.undone_before)
            except Conflict:
                known = await self._overtaken_by(proposal)
                if known is not None:
                    return _same(known, case.arguments)
                if counted(case.place):
                    return None
                raise
            if action.state is ActionState.executing and not action.external:
                return await self._execution.run(action, case.compiled.operation, case.session)
        self._telemetry.metrics.count("interlock_actions_total", action.operation, action.state.value)
        return action

    async def get(self, action_id: str, principal: Principal) -> Action:
        """Return an action the caller may see. Raises `ActionUnknown`."""
        action = await store.load(self._database, action_id)
        if action is not None and action.tenant == principal.tenant:
            if principal.may("read") or principal.may("admin") or action.principal == principal.name:
                return action
            session = await self._sessions.get(action.session)
            if session is not None and session.admits(principal):
                return action
        raise ActionUnknown("there is no such action for this credential", fix="list them: GET /v1/actions")

    async def _changeable(self, action_id: str, principal: Principal) -> Action:
        """Return an action that the caller may also withdraw or undo: reading all of them is not enough for that."""
        action = await self.get(action_id, principal)
        if principal.kind is Kind.person or action.principal == principal.name:
            return action
        session = await self._sessions.get(action.session)
        if session is None or not session.admits(principal):
            raise ActionForbidden(
                "this credential may read the action, and not change what becomes of it",
                why="it was proposed in a session that is not the caller's own",
            )
        return action

    async def page(
        self,
        principal: Principal,
        *,
        states: Sequence[ActionState] = (),
        session: str = "",
        before: str = "",
        limit: int = 50,
    ) -> list[Action]:
        """Return actions the caller may see, newest first; without the scope `read`, only of one own session."""
        if not (principal.may("read") or principal.may("admin")):
            if not session:
                raise ActionForbidden(
                    "listing all actions needs the scope read", fix="name one of your own sessions: ?session=..."
                )
            await self._sessions.find(session, principal)
        return await store.page(
            self._database, principal.tenant, states=states, session=session, before=before, limit=limit
        )

    async def under(self, principal: Principal, session: str, prefix: str, *, limit: int = 50) -> list[Action]:
        """Return a session's newest actions whose client keys begin with *prefix*, oldest first."""
        await self._sessions.find(session, principal)
        return await store.under(self._database, session, prefix, limit=limit)

    async def cancel(self, action_id: str, principal: Principal) -> Action:
        """Withdraw an action that waits. Raises `ActionStateInvalid` for one that does not."""
        action = await self._changeable(action_id, principal)
        if action.state is not ActionState.waiting:
            raise ActionStateInvalid(
                f"the action is {action.state.value}, so it cannot be cancelled",
                fix="undo it, if it succeeded" if action.state is ActionState.succeeded else "",
            )
        action.state = ActionState.cancelled
        entry = self.entry(action, "action.cancelled", principal.name, {})
        await self.save(action, ActionState.waiting, [entry], [approval_store.void(action.id)])
        return action

    async def undo(self, action_id: str, principal: Principal, *, session: str = "") -> Action:
        """Propose the declared undo of a succeeded action: an action of its own, with its own decision."""
        done = await self._changeable(action_id, principal)
        plan = self._projects.current.undos.get(done.operation)
        if plan is None:
            raise NothingToUndo(f"{done.operation} declares no undo", fix="declare `undo:` in its system's file")
        known = await self._undoing(done.id)
        if known is not None and known.state is not ActionState.succeeded:
            return known
        if done.state is not ActionState.succeeded:
            raise NothingToUndo(f"the action is {done.state.value}; only a succeeded one can be undone")
        try:
            arguments = plan.build({"input": done.input, "output": done.output, "facts": {}, "key": done.key})
        except ExpressionFailed as error:
            raise NothingToUndo("the undo's arguments cannot be computed from this action's result") from error
        within = session or done.session
        proposal = Proposal(
            within,
            plan.operation,
            arguments,
            undo_of=done.id,
            undone_before=done.undone_by,
            undone=done.label or PUBLIC,
        )
        return await self.propose(principal, proposal)

    async def _undoing(self, action_id: str) -> Action | None:
        """Return the undo of an action that runs, waits or has run, or None where none had an effect."""
        done = await store.load(self._database, action_id)
        known = await store.load(self._database, done.undone_by) if done is not None and done.undone_by else None
        return known if known is not None and known.state not in WITHOUT_EFFECT else None

    async def report(self, action_id: str, principal: Principal, answer: Answer) -> Action:
        """Take the outcome of an action that the caller executed itself (`connector: external`)."""
        action = await self.get(action_id, principal)
        if not action.external or action.state is not ActionState.executing:
            raise ActionStateInvalid(
                f"no result is awaited for this action; it is {action.state.value}",
                why="results are reported once, and only for operations of an external connector",
            )
        if action.principal != principal.name:
            raise ActionForbidden("only who was allowed to execute the action can report its result")
        compiled = self._projects.current.catalog.operations.get(action.operation)
        if compiled is None:
            raise ActionStateInvalid(
                "the project no longer has this operation, so its result cannot be checked",
                fix="a person will say what became of it: POST /v1/actions/{id}/resolve",
            )
        problem = compiled.check_output(answer.output) if answer.status == "succeeded" else None
        if problem is not None:
            answer = Answer("unknown", problem=problem)
        session = await self._sessions.get(action.session)
        return await self._execution.finish(action, compiled.operation, session, answer, actor=principal.name)

    async def resolve(self, action_id: str, principal: Principal, *, succeeded: bool, comment: str) -> Action:
        """Close an action in doubt by a person's own finding. Needs a present person with the scope `approve`."""
        action = await self.get(action_id, principal)
        if principal.kind is not Kind.person or not principal.present or not principal.may("approve"):
            raise ActionForbidden("only a person who may approve can say what became of an action in doubt")
        if action.state is not ActionState.in_doubt:
            raise ActionStateInvalid(f"the action is {action.state.value}, not in doubt")
        action.state = ActionState.succeeded if succeeded else ActionState.failed
        action.problem = None if succeeded else action.problem
        entry = self.entry(
            action, f"action.{action.state.value}", principal.name, {"resolved": "by hand"}, {"comment": comment}
        )
        entries, changes = [entry], [session_store.touch(action.session)]
        if succeeded and action.undo_of:
            entries.append(compensated(action, by=principal.name))
            changes.append(store.compensate(action.undo_of))
        await self.save(action, ActionState.in_doubt, entries, changes)
        self._sessions.forget(action.session)
        return action

    async def approvals(self, action: Action, principal: Principal) -> list[tuple[Approval, bool]]:
        """Return the approvals asked for an action the caller may see, and whether it may see the facts.

        Those are for who may read or decide; others are shown where an approval stands.
        """
        reads = principal.may("read") or principal.may("admin")
        asked = await self._approvals.of_action(action.id)
        return [(approval, reads or approval.admits(principal)) for approval in asked]

    async def _compiled(
        self, session: Session, principal: Principal, proposal: Proposal
    ) -> tuple[Project, CompiledOperation]:
        """Return the project as it is now and its operation; what it does not fit is journalled and raised."""
        project = self._projects.current
        try:
            compiled = project.catalog.operation(proposal.operation)
            compiled.check_input(proposal.input)
        except (OperationUnknown, InputInvalid) as error:
            await self._refuse(session, principal, proposal, error.code)
            raise
        return project, compiled

    async def _refuse(self, session: Session, principal: Principal, proposal: Proposal, code: str) -> None:
        entry = Entry(
            kind="proposal.refused",
            tenant=session.tenant,
            subject=session.id,
            session=session.id,
            actor=principal.name,
            body={"code": code, "label": session.memory.seen.to_json()},
            fields={"operation": proposal.operation[:200], "input": proposal.input},
        )
        await self._journal.record([entry])

    def _begin(
        self, action_id: str, principal: Principal, proposal: Proposal, case: Case, judgement: Judgement
    ) -> Action:
        now = self._clock.now()
        state = STATES[judgement.decision.outcome]
        return Action(
            id=action_id,
            tenant=principal.tenant,
            session=case.session.id,
            operation=proposal.operation,
            state=state,
            principal=principal.name,
            who=dict(case.who),
            definition=case.compiled.digest,
            input=proposal.input,
            decision=judgement.decision,
            arguments=case.arguments,
            consent=judgement.consent,
            record=judgement.record,
            key=action_id,
            client_key=proposal.client_key,
            owner=self._journal.writer if state is ActionState.executing else "",
            created=now,
            updated=now,
            shown=judgement.shown(case.session) if state is ActionState.waiting else {},
            undo_of=proposal.undo_of,
            external=case.compiled.external,
            origins=judgement.origins,
            place=case.place,
            labels=judgement.labels,
            label=judgement.data,
            steered=judgement.steered,
        )

    async def _overtaken_by(self, proposal: Proposal) -> Action | None:
        """Return the action that was stored at the same moment in place of this proposal's."""
        if proposal.undo_of:
            return await self._undoing(proposal.undo_of)
        if not proposal.client_key:
            return None
        return await store.by_client_key(self._database, proposal.session, proposal.client_key)

    async def _record_decision(
        self, action: Action, session: Session, judgement: Judgement, *, undone_before: str = ""
    ) -> None:
        changes = [session_store.touch(session.id)]
        if action.state is ActionState.waiting:
            changes += self.ask(action, session)
        guards = [store.insert(action)]
        if action.undo_of and action.state not in WITHOUT_EFFECT:
            guards.append(store.undoing(action.undo_of, action.id, before=undone_before))
        entry = self.decided(action, judgement)
        fault("action.before_intent")
        session.pending += 1
        try:
            await self._journal.record([entry], guards=guards, changes=changes)
        except BaseException:
            self._sessions.forget(session.id)
            raise
        session.pending -= 1
        session.revision += 1
        fault("action.after_intent")

    @property
    def writer(self) -> str:
        """This process's name as the owner of executions."""
        return self._journal.writer

    def ask(self, action: Action, session: Session, *, asked: Sequence[Approval] = ()) -> list[Statement]:
        """Return the statements that ask for the approvals *action* needs under its present consent.

        *asked* are those that were asked for before; one that still stands is not asked for twice.
        """
        standing = {
            approval.requirement
            for approval in asked
            if approval.consent == action.consent and approval.state is ApprovalState.pending
        }
        person = session.person["id"] if session.person else ""
        barred = [person, *(name.partition(":")[2] for name in (session.opener, action.principal))]
        _, statements = self._approvals.ask(
            [requirement for requirement in action.unmet() if str(requirement) not in standing],
            tenant=action.tenant,
            action=action.id,
            session=action.session,
            consent=action.consent,
            barred=[name for name in barred if name],
            shown=action.shown,
        )
        return statements

    def decided(self, action: Action, judgement: Judgement, *, kind: str = "action.decided") -> Entry:
        """Return the journal entry of a decision: rules and digests in the open, values kept apart."""
        body = {
            "operation": action.operation,
            "effect": judgement.snapshot.effect,
            "definition": action.definition,
            "state": action.state.value,
            "decision": _harmless(action),
            "arguments": action.arguments,
            "consent": action.consent,
            "key": action.key,
            "project": judgement.version,
            "reads": judgement.gathered.reads,
            "undo_of": action.undo_of,
            "label": judgement.label.to_json(),
        }
        fields = {
            "snapshot": judgement.snapshot.to_json(),
            "reasons": [reason.text for reason in action.decision.reasons],
        }
        return self.entry(action, kind, action.principal, body, fields)

    def entry(
        self,
        action: Action,
        kind: str,
        actor: str,
        body: dict[str, Any],
        fields: dict[str, Any] | None = None,
    ) -> Entry:
        """Return a journal entry about *action*."""
        return Entry(
            kind=kind,
            tenant=action.tenant,
            subject=action.id,
            session=action.session,
            actor=actor,
            body=body,
            fields=fields or {},
        )

    async def save(
        self, action: Action, was: ActionState, entries: list[Entry], changes: Sequence[Statement] = ()
    ) -> None:
        """Store a change of an action with its entries, if nobody changed it first (`ActionStateInvalid`)."""
        action.updated = self._clock.now()
        try:
            await self._journal.record(entries, guards=[store.save(action, was=was)], changes=changes)
        except Conflict as error:
            raise ActionStateInvalid(
                "the action changed at the same moment", fix="look at it again: GET /v1/actions/{id}"
            ) from error
        action.revision += 1


def _harmless(action: Action) -> dict[str, Any]:
    document = action.decision.to_json()
    document["reasons"] = [reason.rule for reason in action.decision.reasons]
    return document


def _same(known: Action, arguments: str) -> Action:
    if known.arguments != arguments:
        raise IdempotencyKeyReused(
            "this Idempotency-Key was used in the session for another operation or other arguments",
            fix="send a new key for a new action",
            action=known.id,
        )
    return known
