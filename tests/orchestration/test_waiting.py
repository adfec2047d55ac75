"""What waits for a person: bound to the exact case, checked again, never carried over to another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, ActionForbidden, ActionStateInvalid, EditRefused, Proposal
from interlock.orchestration.approvals import (
    Approval,
    ApprovalClosed,
    ApprovalForbidden,
    ApprovalUnknown,
    ConsentStale,
    Verdict,
)
from interlock.orchestration.sessions import Opening
from interlock.values.principals import Principal
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, LENA, LUIS, OTTO, PORTAL, execute, payments, person


async def _waiting(desk: Installation, amount: float, *, opener: Principal = CARLA, **opening: object) -> Action:
    words = f"Pay {amount} to account A-100"
    session = await desk.sessions.open(opener, Opening(agent="helper", request=words, **opening))  # type: ignore[arg-type]  # keywords of the one dataclass
    proposal = Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": amount})
    action = await desk.actions.propose(AGENT_KEY, proposal)
    assert action.state == "waiting"
    return action


async def _approval(desk: Installation, action: Action) -> Approval:
    found = [a for a in await desk.approvals.of_action(action.id) if a.state == "pending"]
    assert len(found) == 1
    return found[0]


async def _approve(desk: Installation, action: Action, who: Principal, **more: object) -> Approval:
    approval = await _approval(desk, action)
    return await desk.approvals.decide(Verdict(approval.id, True, approval.consent, **more), who)  # type: ignore[arg-type]  # keywords of the one dataclass


async def test_the_person_confirms_their_own_action_once(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 80)
    assert [str(unmet) for unmet in action.unmet()] == ["confirm"]
    done = await desk.waiting.confirm(action.id, CARLA, consent=action.consent)
    assert done.state == "succeeded"
    with pytest.raises(ActionStateInvalid):
        await desk.waiting.confirm(action.id, CARLA, consent=action.consent)
    assert payments(root) == [("A-100", 80.0)]


async def test_nobody_else_confirms_and_nothing_is_confirmed_unseen(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 80)
    with pytest.raises(ActionForbidden):
        await desk.waiting.confirm(action.id, AGENT_KEY, consent=action.consent)
    other = await _waiting(desk, 90)
    with pytest.raises(ConsentStale):
        await desk.waiting.confirm(action.id, CARLA, consent=other.consent)
    assert payments(root) == []


async def test_an_approval_runs_the_action(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    assert approval.shown["facts"]["account"]["owner"] == "carla"
    assert approval.shown["requests"] == ["Pay 400 to account A-100"]
    decided = await _approve(desk, action, LENA, comment="fine")
    assert decided.state == "approved"
    assert (await desk.actions.get(action.id, CARLA)).state == "succeeded"
    assert payments(root) == [("A-100", 400.0)]


async def test_a_rejection_denies_with_the_name_of_who_rejected(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    await desk.approvals.decide(Verdict(approval.id, False, approval.consent, comment="no"), LENA)
    denied = await desk.actions.get(action.id, CARLA)
    assert denied.state == "denied"
    assert denied.decision.reasons[0].rule == "approval-rejected"
    assert payments(root) == []


@pytest.mark.parametrize(
    "who", [CARLA, AGENT_KEY, PORTAL, person("nina", "clerk"), person("lena", "lead", scopes="read")]
)
async def test_who_may_not_approve(desk: Installation, root: Path, who: Principal) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    with pytest.raises((ApprovalForbidden, ApprovalUnknown)):
        await desk.approvals.decide(Verdict(approval.id, True, approval.consent), who)
    assert payments(root) == []


async def test_four_eyes_hold_also_for_somebody_in_the_role(desk: Installation) -> None:
    action = await _waiting(desk, 400, opener=person("lena", "lead"))
    with pytest.raises(ApprovalForbidden, match="four eyes"):
        await _approve(desk, action, LENA)
    assert (await _approve(desk, action, LUIS)).state == "approved"


async def test_another_tenants_approver_does_not_even_see_it(desk: Installation) -> None:
    action = await _waiting(desk, 400)
    with pytest.raises(ApprovalUnknown):
        await _approve(desk, action, OTTO)
    assert await desk.approvals.page(OTTO) == []


async def test_two_leads_and_a_verified_person(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 2000, opener=PORTAL, person="carla")
    assert {str(unmet) for unmet in action.unmet()} == {"approval:lead:2", "step-up:strong"}
    assert (await _approve(desk, action, LENA)).state == "pending"
    with pytest.raises(ApprovalClosed):
        await _approve(desk, action, LENA)
    assert (await _approve(desk, action, LUIS)).state == "approved"
    assert (await desk.actions.get(action.id, CARLA)).state == "waiting"
    await desk.sessions.extend(PORTAL, action.session, verification="strong")
    resumed = await desk.waiting.resume_session(action.session)
    assert [found.state for found in resumed] == ["succeeded"]
    assert payments(root) == [("A-100", 2000.0)]


async def test_a_changed_record_voids_the_consent(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    seen = await _approval(desk, action)
    execute(root, "UPDATE accounts SET version = 2, balance = 1.0")
    with pytest.raises(ConsentStale):
        await desk.approvals.decide(Verdict(seen.id, True, seen.consent), LENA)
    assert payments(root) == []
    fresh = await _approval(desk, action)
    assert fresh.id != seen.id
    assert fresh.shown["facts"]["account"]["balance"] == 1.0
    assert (await _approve(desk, action, LENA)).state == "approved"
    assert payments(root) == [("A-100", 400.0)]


async def test_a_first_approval_does_not_survive_a_change_before_the_second(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 2000, opener=PORTAL, person="carla", verification="strong")
    await _approve(desk, action, LENA)
    execute(root, "UPDATE accounts SET version = 2")
    with pytest.raises(ConsentStale):
        await _approve(desk, action, LUIS)
    assert (await _approve(desk, action, LUIS)).agreed() == 1
    assert payments(root) == []


async def test_a_changed_policy_voids_the_consent(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    seen = await _approval(desk, action)
    policies = root / "policies" / "desk.cedar"
    policies.write_text(
        policies.read_text("utf-8") + '\n@id("stop") @because("Closed for the year")'
        ' forbid (principal, action == Action::"ledger.pay", resource);',
        "utf-8",
    )
    await desk.projects.reload()
    with pytest.raises(ConsentStale):
        await desk.approvals.decide(Verdict(seen.id, True, seen.consent), LENA)
    denied = await desk.actions.get(action.id, CARLA)
    assert denied.state == "denied"
    assert denied.decision.reasons[0].rule == "stop"
    assert payments(root) == []


async def test_an_approver_edits_the_arguments_first(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    decided = await _approve(desk, action, LENA, edited={"account": "A-100", "amount": 150})
    assert decided.state == "approved"
    done = await desk.actions.get(action.id, CARLA)
    assert (done.state, done.input["amount"]) == ("succeeded", 150)
    assert payments(root) == [("A-100", 150.0)]
    kinds = [record.kind for record in await desk.journal.show(action.id, tenant="acme")]
    assert kinds == ["action.decided", "action.edited", "approval.decided", "action.redecided", "action.succeeded"]


async def test_an_edit_vouches_only_for_what_was_changed(desk: Installation, root: Path) -> None:
    session = await desk.sessions.open(CARLA, Opening(agent="helper", request="What does account A-100 say?"))
    await desk.actions.propose(AGENT_KEY, Proposal(session.id, "ledger.get_account", {"id": "A-100"}))
    policies = root / "policies" / "desk.cedar"
    steered = '"never-steered") @because("Text from outside may not choose where money goes")\nforbid'
    asks = '"never-steered") @require("approval:lead;approval:director") @because("Steered")\npermit'
    policies.write_text(policies.read_text("utf-8").replace(steered, asks), "utf-8")
    await desk.projects.reload()
    pay = Proposal(session.id, "ledger.pay", {"account": "B-666", "amount": 400})
    action = await desk.actions.propose(AGENT_KEY, pay)
    assert {str(unmet) for unmet in action.unmet()} == {"approval:lead", "approval:director"}
    (asked,) = [a for a in await desk.approvals.of_action(action.id) if a.role == "lead"]
    edited = {"account": "B-666", "amount": 300}
    await desk.approvals.decide(Verdict(asked.id, True, asked.consent, edited=edited), LENA)
    waiting = await desk.actions.get(action.id, CARLA)
    assert {str(unmet) for unmet in waiting.decision.requirements} == {"approval:lead", "approval:director"}
    assert waiting.state == "waiting"
    assert payments(root) == []


async def test_an_edit_that_policy_refuses_changes_nothing(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    execute(root, "INSERT INTO payments (account, amount) VALUES ('B-666', 6000.0)")
    with pytest.raises(EditRefused):
        await _approve(desk, action, LENA, edited={"account": "B-666", "amount": 400})
    assert (await desk.actions.get(action.id, CARLA)).input["account"] == "A-100"
    assert (await _approve(desk, action, LENA)).state == "approved"
    assert payments(root)[-1] == ("A-100", 400.0)


async def test_a_batch_with_one_bad_verdict_decides_nothing(desk: Installation, root: Path) -> None:
    actions = [await _waiting(desk, amount) for amount in (200, 300)]
    shown = [await _approval(desk, action) for action in actions]
    good = [Verdict(approval.id, True, approval.consent) for approval in shown]
    with pytest.raises(ApprovalUnknown):
        await desk.approvals.decide_all([*good, Verdict("apr_none", True, shown[0].consent)], LENA)
    with pytest.raises(ApprovalClosed):
        await desk.approvals.decide_all([good[0], good[0]], LENA)
    assert payments(root) == []
    assert [a.state for a in await desk.approvals.decide_all(good, LENA)] == ["approved", "approved"]
    assert sorted(amount for _, amount in payments(root)) == [200.0, 300.0]


async def test_delegation_and_standing_in(desk: Installation, root: Path) -> None:
    first, second = await _waiting(desk, 200), await _waiting(desk, 300)
    assert (await _approve(desk, first, DORA)).state == "approved"  # stands in for luis, says the project
    approval = await _approval(desk, second)
    with pytest.raises(ApprovalForbidden):
        await desk.approvals.delegate(approval.id, LENA, "carla")
    with pytest.raises(ApprovalForbidden):
        await desk.approvals.delegate(approval.id, LENA, "nobody")
    await desk.approvals.delegate(approval.id, LENA, "dora")
    assert (await desk.approvals.get(approval.id, DORA)).delegates == ["dora"]


async def test_an_action_waits_no_longer_than_it_may(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    await _pass(desk, approval.deadline + 1)
    await desk.settlement.round()
    escalated = await _approval(desk, action)
    assert escalated.roles == ["lead", "director"]
    assert (await desk.actions.get(action.id, CARLA)).state == "waiting"
    await _pass(desk, escalated.deadline + 1)
    await desk.settlement.round()
    expired = await desk.actions.get(action.id, CARLA)
    assert expired.state == "denied"
    assert expired.decision.reasons[0].rule == "approval-expired"
    assert payments(root) == []


async def test_two_approvers_at_once_run_it_once(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    verdict = Verdict(approval.id, True, approval.consent)
    results = await asyncio.gather(
        desk.approvals.decide(verdict, LENA), desk.approvals.decide(verdict, LUIS), return_exceptions=True
    )
    assert sum(isinstance(result, ApprovalClosed | ActionStateInvalid) for result in results) == 1
    assert payments(root) == [("A-100", 400.0)]


async def test_a_withdrawn_action_cannot_be_approved(desk: Installation, root: Path) -> None:
    action = await _waiting(desk, 400)
    approval = await _approval(desk, action)
    assert (await desk.actions.cancel(action.id, AGENT_KEY)).state == "cancelled"
    with pytest.raises((ApprovalClosed, ConsentStale)):
        await desk.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)
    with pytest.raises(ActionStateInvalid):
        await desk.actions.cancel(action.id, AGENT_KEY)
    assert payments(root) == []


async def _pass(desk: Installation, moment: float) -> None:
    """Let the installation's clock stand at *moment*."""
    desk.clock.set(moment)  # type: ignore[attr-defined]  # the fixture composes with a clock that can be set


async def test_an_action_outside_the_sessions_plan_needs_a_person(desk: Installation, root: Path) -> None:
    plan = ("ledger.get_account",)
    words = "Look at A-100 and pay 20 to A-100"
    session = await desk.sessions.open(CARLA, Opening(agent="helper", request=words, plan=plan))
    read = await desk.actions.propose(AGENT_KEY, Proposal(session.id, "ledger.get_account", {"id": "A-100"}))
    assert read.state == "succeeded"
    pay = Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 20})
    action = await desk.actions.propose(AGENT_KEY, pay)
    assert (action.state, action.decision.reasons[0].rule) == ("waiting", "outside-plan")
    assert payments(root) == []
    done = await desk.waiting.confirm(action.id, CARLA, consent=action.consent)
    assert done.state == "succeeded"


async def test_one_person_with_two_roles_meets_one_approval(desk: Installation, root: Path) -> None:
    policies = root / "policies" / "desk.cedar"
    text = policies.read_text("utf-8").replace(
        '@require("approval:lead")', '@require("approval:lead;approval:director")'
    )
    policies.write_text(text, "utf-8")
    await desk.projects.reload()
    action = await _waiting(desk, 400)
    both = person("lena", "lead", "director")
    first, second = await desk.approvals.of_action(action.id)
    await desk.approvals.decide(Verdict(first.id, True, first.consent), both)
    with pytest.raises(ApprovalForbidden, match="another role"):
        await desk.approvals.decide(Verdict(second.id, True, second.consent), both)
    assert payments(root) == []
    other = LUIS if second.role == "lead" else DORA
    await desk.approvals.decide(Verdict(second.id, True, second.consent), other)
    assert payments(root) == [("A-100", 400.0)]
