"""What a credential cannot do: an agent's, a stranger's, a person's whose role has gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.experience.api.actions import get_action
from interlock.experience.api.request import Request
from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, ActionForbidden, ActionUnknown, Proposal
from interlock.orchestration.approvals import Approval, ApprovalUnknown, ConsentStale, Verdict
from interlock.orchestration.sessions import Opening, SessionForbidden, SessionUnknown
from interlock.values.principals import Kind, Principal
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, LENA, change, payments, person

OTHER_AGENT = Principal(Kind.agent, "reader", "acme", frozenset({"agents"}), scopes=frozenset({"act", "read"}))


async def _waiting(desk: Installation, amount: float = 400, who: Principal = AGENT_KEY) -> Action:
    opening = Opening(agent="helper", request=f"Pay {amount} to account A-100")
    session = await desk.sessions.open(CARLA, opening)
    action = await desk.actions.propose(who, Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": amount}))
    assert action.state == "waiting"
    return action


async def _asked(desk: Installation, action: Action) -> Approval:
    (found,) = [a for a in await desk.approvals.of_action(action.id) if a.state == "pending"]
    return found


async def test_the_agent_does_not_learn_the_facts_from_what_it_waits_for(desk: Installation) -> None:
    action = await _waiting(desk)
    asked = await _asked(desk, action)
    assert asked.shown["facts"]["account"]["balance"] == 900.0
    own: dict[str, Any] = await get_action(Request(desk, AGENT_KEY, {"id": action.id}))
    assert [one["id"] for one in own["approvals"]] == [asked.id]
    assert b"balance" not in orjson.dumps(own)
    assert b"facts" not in orjson.dumps(own)
    entitled: dict[str, Any] = await get_action(Request(desk, LENA, {"id": action.id}))
    assert entitled["approvals"][0]["shown"]["facts"]["account"]["balance"] == 900.0


async def test_an_agent_in_an_approvers_role_does_not_see_approvals(desk: Installation) -> None:
    asked = await _asked(desk, await _waiting(desk))
    agent = replace(AGENT_KEY, roles=frozenset({"lead"}))
    namesake = replace(AGENT_KEY, id="dora")
    for who in (agent, namesake):
        assert await desk.approvals.page(who) == []
        with pytest.raises(ApprovalUnknown):
            await desk.approvals.get(asked.id, who)


@pytest.mark.parametrize("brought", [{"consent": ("marketing",)}, {"purpose": "fraud"}, {"channel": "branch"}])
async def test_an_agent_brings_no_consent_purpose_or_channel(desk: Installation, brought: dict[str, Any]) -> None:
    with pytest.raises(SessionForbidden):
        await desk.sessions.open(AGENT_KEY, Opening(**brought))
    session = await desk.sessions.open(AGENT_KEY, Opening())
    with pytest.raises(SessionForbidden):
        await desk.sessions.extend(AGENT_KEY, session.id, consent=["marketing"])


async def test_a_stranger_who_may_read_can_neither_withdraw_nor_undo(desk: Installation, root: Path) -> None:
    action = await _waiting(desk)
    paid = await desk.actions.propose(
        AGENT_KEY, Proposal(action.session, "ledger.pay", {"account": "A-100", "amount": 20})
    )
    assert (await desk.actions.get(action.id, OTHER_AGENT)).id == action.id
    with pytest.raises(ActionForbidden):
        await desk.actions.cancel(action.id, OTHER_AGENT)
    own = await desk.sessions.open(OTHER_AGENT, Opening())
    with pytest.raises(ActionForbidden):
        await desk.actions.undo(paid.id, OTHER_AGENT, session=own.id)
    with pytest.raises((ActionForbidden, SessionUnknown)):
        await desk.actions.undo(paid.id, OTHER_AGENT)
    assert payments(root) == [("A-100", 20.0)]
    assert (await desk.actions.cancel(action.id, CARLA)).state == "cancelled"


async def test_one_agent_does_not_see_what_another_did_elsewhere(desk: Installation) -> None:
    action = await _waiting(desk)
    narrow = replace(OTHER_AGENT, scopes=frozenset({"act"}))
    with pytest.raises(ActionUnknown):
        await desk.actions.get(action.id, narrow)
    with pytest.raises(SessionUnknown):
        await desk.actions.page(narrow, session=action.session)


async def test_a_role_that_has_gone_counts_no_more_for_what_waits(desk: Installation, root: Path) -> None:
    rule = (
        '@id("pay-large") @require("approval:lead") @because("Above 100 a lead approves")\n'
        'permit (principal in Role::"agents"'
    )
    change(root, "policies/desk.cedar", rule, rule.replace("agents", "clerk"))
    await desk.projects.reload()
    action = await _waiting(desk, who=CARLA)
    change(root, "interlock.yaml", "carla: {roles: [clerk]", "carla: {roles: []")
    await desk.projects.reload()
    asked = await _asked(desk, action)
    await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    assert (await desk.actions.get(action.id, CARLA)).state == "denied"
    assert payments(root) == []


async def test_an_agent_that_was_removed_gets_nothing_done_any_more(desk: Installation, root: Path) -> None:
    action = await _waiting(desk)
    (root / "agents" / "helper.yaml").unlink()
    (root / "agents" / "other.yaml").write_text(
        "agent: other\ndescription: x\ninstructions: x\nroute: desk\nroles: [agents]\noperations: ['ledger.*']\n"
    )
    await desk.projects.reload()
    asked = await _asked(desk, action)
    with pytest.raises(ConsentStale):
        await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    denied = await desk.actions.get(action.id, CARLA)
    assert (denied.state, denied.decision.reasons[0].rule) == ("denied", "agent-unknown")
    assert payments(root) == []


async def test_only_a_present_person_says_what_became_of_a_doubt(desk: Installation) -> None:
    session = await desk.sessions.open(CARLA, Opening(agent="helper"))
    note = await desk.actions.propose(AGENT_KEY, Proposal(session.id, "notes.write_note", {"text": "x"}))
    desk.clock.set(desk.clock.now() + 1000)  # type: ignore[attr-defined]  # the fixture's clock can be set
    await desk.settlement.round()
    absent = replace(DORA, present=False)
    for who in (AGENT_KEY, absent, person("dora", "director", scopes="act read")):
        with pytest.raises(ActionForbidden):
            await desk.actions.resolve(note.id, who, succeeded=True, comment="done")
