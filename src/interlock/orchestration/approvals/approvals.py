"""Asking for, deciding, delegating, escalating and expiring approvals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.orchestration.approvals import store
from interlock.orchestration.approvals.approval import Approval, ApprovalState
from interlock.orchestration.approvals.errors import (
    ApprovalClosed,
    ApprovalForbidden,
    ApprovalUnknown,
    ConsentStale,
)
from interlock.orchestration.project import Projects
from interlock.values.decisions import Requirement
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal

BATCH = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """One person's decision. *consent* is what they were shown; *edited* replaces the action's arguments first."""

    approval: str
    approve: bool
    consent: str
    comment: str = field(default="", repr=False)
    edited: dict[str, Any] | None = field(default=None, repr=False)


class WaitingActions(Protocol):
    """What deciding needs of the actions that wait; given by the owner of actions."""

    async def refresh(self, action_id: str) -> str:
        """Look at the world again; ask anew if arguments, definition, policy or record differ.

        Return the present consent; the empty string, to which nobody consents, for an action that waits no more.
        """
        ...

    async def edit(self, action_id: str, edited: dict[str, Any], editor: Principal) -> str:
        """Replace the arguments by *edited*, decide again, and return the new consent."""
        ...

    async def resume(self, action_id: str) -> object:
        """Run the action if nothing is unmet any more, or deny it if somebody rejected it."""
        ...


class Approvals:
    """All approvals of the installation. *actions* is wired by the composition root."""

    actions: WaitingActions

    def __init__(self, database: Database, journal: Journal, projects: Projects, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._projects = projects
        self._clock = clock

    def ask(
        self,
        requirements: Sequence[Requirement],
        *,
        tenant: str,
        action: str,
        session: str,
        consent: str,
        barred: Sequence[str],
        shown: dict[str, Any],
    ) -> tuple[list[Approval], list[Statement]]:
        """Return the approvals for *requirements* and the statements that store them; the caller commits."""
        settings = self._projects.current.settings
        now = self._clock.now()
        approvals = []
        for requirement in requirements:
            if requirement.kind != "approval":
                continue
            rule = settings.approvals.of(requirement.subject)
            approvals.append(
                Approval(
                    id=new_id("apr"),
                    tenant=tenant,
                    action=action,
                    session=session,
                    role=requirement.subject,
                    needed=requirement.count,
                    consent=consent,
                    deadline=now + rule.deadline,
                    created=now,
                    escalate_to=rule.escalate_to,
                    extension=rule.deadline,
                    roles=[requirement.subject],
                    delegates=sorted(
                        person.delegate
                        for person in settings.people.values()
                        if person.delegate and person.tenant == tenant and requirement.subject in person.roles
                    ),
                    barred=sorted(set(barred)),
                    shown=shown,
                )
            )
        return approvals, [store.insert(approval) for approval in approvals]

    async def get(self, approval_id: str, principal: Principal) -> Approval:
        """Return an approval of the caller's tenant. Raises `ApprovalUnknown`."""
        approval = await store.load(self._database, approval_id)
        if approval is None or approval.tenant != principal.tenant or not self._sees(approval, principal):
            raise ApprovalUnknown("there is no such approval for this credential", fix="list them: GET /v1/approvals")
        return approval

    async def page(
        self, principal: Principal, *, state: str = "pending", before: str = "", limit: int = 50
    ) -> list[Approval]:
        """Return the approvals the caller may see, newest first."""
        found = await store.page(self._database, principal.tenant, state=state, before=before, limit=limit)
        return [approval for approval in found if self._sees(approval, principal)]

    async def of_action(self, action_id: str) -> list[Approval]:
        """Return every approval asked for an action; the caller has checked who may see the action."""
        return await store.of_action(self._database, action_id)

    async def pending(self, action_id: str) -> bool:
        """Return whether anybody is still being asked about an action."""
        asked = await store.of_action(self._database, action_id)
        return any(approval.state is ApprovalState.pending for approval in asked)

    async def decide(self, verdict: Verdict, principal: Principal) -> Approval:
        """Decide one approval.

        Raises `ApprovalForbidden`, `ApprovalClosed`, and `ConsentStale` where what was shown is not what would
        run now; then the action asks anew, and nothing was decided.
        """
        approval = await self.get(verdict.approval, principal)
        self._check(approval, verdict, principal)
        await self._check_first(approval, principal)
        current = await self.actions.refresh(approval.action)
        if current != verdict.consent:
            raise ConsentStale(
                "this consent is void: it was given for something else than what would run now",
                why="the arguments, the policy or the target record changed since they were shown",
                fix="look at the action's new approval and decide again",
                action=approval.action,
            )
        if verdict.edited is not None:
            consent = await self.actions.edit(approval.action, verdict.edited, principal)
            approval = await self._asked_anew(approval, consent)
        fault("approval.before_commit")
        await self._record(approval, verdict, principal)
        fault("approval.after_commit")
        await self.actions.resume(approval.action)
        return await self.get(approval.id, principal)

    async def decide_all(self, verdicts: Sequence[Verdict], principal: Principal) -> list[Approval]:
        """Decide a batch: every verdict is checked before the first is taken, so a bad one decides nothing."""
        if len(verdicts) > BATCH:
            raise ApprovalClosed(f"a batch holds at most {BATCH} verdicts", fix="send several batches")
        if len({verdict.approval for verdict in verdicts}) < len(verdicts):
            raise ApprovalClosed("the batch names one approval twice", fix="send each approval once")
        for verdict in verdicts:
            approval = await self.get(verdict.approval, principal)
            self._check(approval, verdict, principal)
            if approval.consent != verdict.consent:
                raise ConsentStale("a verdict's consent is not that of its approval", approval=approval.id)
        return [await self.decide(verdict, principal) for verdict in verdicts]

    async def delegate(self, approval_id: str, principal: Principal, to: str) -> Approval:
        """Let the person *to* decide as well; the delegating person must be one who may decide."""
        approval = await self.get(approval_id, principal)
        self._check_person(approval, principal)
        if approval.state is not ApprovalState.pending:
            raise ApprovalClosed(f"the approval is {approval.state.value}")
        person = self._projects.current.settings.people.get(to)
        if person is None or person.tenant != approval.tenant or to in approval.barred:
            raise ApprovalForbidden(
                f"{to!r} cannot be delegated to",
                why="they are not among the tenant's people, or asked for this action themselves",
            )
        approval.delegates = sorted({*approval.delegates, to})
        await self._save(approval, principal.name, "approval.delegated", {"to": to})
        return await self.get(approval_id, principal)

    async def sweep(self) -> list[str]:
        """Escalate or expire what is overdue; return the actions whose approval expired."""
        expired = []
        for approval in await store.overdue(self._database, self._clock.now()):
            if approval.escalate_to and approval.escalate_to not in approval.roles:
                approval.roles = [*approval.roles, approval.escalate_to]
                approval.deadline = self._clock.now() + approval.extension
                kind, body = "approval.escalated", {"to": approval.escalate_to}
            else:
                approval.state = ApprovalState.expired
                kind, body = "approval.expired", {"role": approval.role}
                expired.append(approval.action)
            await self._save_quietly(approval, kind, body)
        return expired

    async def _asked_anew(self, approval: Approval, consent: str) -> Approval:
        for candidate in await store.of_action(self._database, approval.action):
            pending = candidate.state is ApprovalState.pending
            if pending and candidate.role == approval.role and candidate.consent == consent:
                return candidate
        raise ApprovalClosed(
            f"the edited action needs no approval by {approval.role} any more",
            why="policy decided anew on the edited arguments",
            fix="look at the action",
            action=approval.action,
        )

    async def _record(self, approval: Approval, verdict: Verdict, principal: Principal) -> None:
        word = "approve" if verdict.approve else "reject"
        approval.decisions.append(
            {"by": principal.id, "verdict": word, "comment": verdict.comment, "at": self._clock.now()}
        )
        if not verdict.approve:
            approval.state = ApprovalState.rejected
        elif approval.agreed() >= approval.needed:
            approval.state = ApprovalState.approved
        body = {
            "verdict": word,
            "role": approval.role,
            "state": approval.state.value,
            "consent": approval.consent,
            "edited": verdict.edited is not None,
            "delegated": principal.id in approval.delegates,
        }
        fields = {"comment": verdict.comment} if verdict.comment else {}
        await self._save(approval, principal.name, "approval.decided", body, fields)

    async def _save(
        self,
        approval: Approval,
        actor: str,
        kind: str,
        body: dict[str, Any],
        fields: dict[str, Any] | None = None,
    ) -> None:
        entry = Entry(
            kind=kind,
            tenant=approval.tenant,
            subject=approval.action,
            session=approval.session,
            actor=actor,
            body={"approval": approval.id, **body},
            fields=fields or {},
        )
        try:
            await self._journal.record([entry], guards=[store.save(approval)])
        except Conflict as error:
            raise ApprovalClosed(
                "somebody else decided this at the same moment", fix="look at the approval again"
            ) from error

    async def _save_quietly(self, approval: Approval, kind: str, body: dict[str, Any]) -> None:
        try:
            await self._save(approval, "service:interlock", kind, body)
        except ApprovalClosed:
            return  # decided meanwhile, which is what the sweep would have wanted

    def _sees(self, approval: Approval, principal: Principal) -> bool:
        return principal.may("read") or principal.may("admin") or approval.admits(principal)

    def _check(self, approval: Approval, verdict: Verdict, principal: Principal) -> None:
        self._check_person(approval, principal)
        if approval.state is not ApprovalState.pending or approval.decided_by(principal.id):
            raise ApprovalClosed(
                f"the approval is {approval.state.value}",
                why="you decided it already" if approval.decided_by(principal.id) else "",
                fix="look at the action for what it waits for now",
            )
        if approval.deadline < self._clock.now():
            raise ApprovalClosed("the approval's deadline has passed", fix="propose the action again")
        if not verdict.consent:
            raise ConsentStale("a verdict must carry the consent it was shown", fix="send `consent` as shown")

    async def _check_first(self, approval: Approval, principal: Principal) -> None:
        """Whoever has two roles is still one person: of the approvals of one action each meets one."""
        for other in await store.of_action(self._database, approval.action):
            standing = other.state in (ApprovalState.pending, ApprovalState.approved)
            if other.id != approval.id and standing and other.decided_by(principal.id):
                raise ApprovalForbidden(
                    "you have already approved this action in another role",
                    why="each approval of an action is given by another person",
                    fix="let somebody else decide, or delegate it to them",
                )

    def _check_person(self, approval: Approval, principal: Principal) -> None:
        if principal.kind is not Kind.person or not principal.present or not principal.may("approve"):
            raise ApprovalForbidden(
                "only a person with a credential for approving can decide",
                why="agents and services cannot approve, whatever they claim about a person",
            )
        if principal.id in approval.barred:
            raise ApprovalForbidden(
                "who asked for an action cannot approve it",
                why="four eyes: confirming one's own request is another requirement, `confirm`",
            )
        if not approval.admits(principal):
            raise ApprovalForbidden(
                f"this needs somebody in the role {' or '.join(approval.roles)}",
                fix="delegate it to a person: POST /v1/approvals/{id}/delegate",
            )
