"""The path of an action: decided, executed or not, and what a caller can do with it afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import Answer, OperationUnknown
from interlock.orchestration.actions import (
    Action,
    ActionForbidden,
    ActionStateInvalid,
    ActionUnknown,
    IdempotencyKeyReused,
    NothingToUndo,
    Proposal,
)
from interlock.orchestration.sessions import Opening
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, OTTO, PORTAL, payments


async def _session(desk: Installation, request: str = "Pay 20 to account A-100, please") -> str:
    return (await desk.sessions.open(CARLA, Opening(agent="helper", request=request))).id


async def _pay(desk: Installation, session: str, amount: float, account: str = "A-100", key: str = "") -> Action:
    proposal = Proposal(session, "ledger.pay", {"account": account, "amount": amount}, client_key=key)
    return await desk.actions.propose(AGENT_KEY, proposal)


async def test_an_allowed_action_runs_and_its_result_is_the_systems(desk: Installation, root: Path) -> None:
    action = await _pay(desk, await _session(desk), 20)
    assert action.state == "succeeded"
    assert action.decision.policies == ("pay-small",)
    assert action.output["amount"] == 20
    assert payments(root) == [("A-100", 20.0)]


async def test_a_refusal_is_a_value_with_the_rule_that_caused_it(desk: Installation, root: Path) -> None:
    session = await _session(desk, "What does account A-100 say?")
    read = await desk.actions.propose(AGENT_KEY, Proposal(session, "ledger.get_account", {"id": "A-100"}))
    assert "B-666" in read.output["note"]
    action = await _pay(desk, session, 10, account="B-666")
    assert action.state == "denied"
    assert [reason.rule for reason in action.decision.reasons] == ["never-steered"]
    assert payments(root) == []


async def test_the_same_account_is_allowed_where_the_person_named_it(desk: Installation) -> None:
    session = await _session(desk, "Look at A-100, then pay 10 to B-666")
    await desk.actions.propose(AGENT_KEY, Proposal(session, "ledger.get_account", {"id": "A-100"}))
    assert (await _pay(desk, session, 10, account="B-666")).state == "succeeded"


async def test_a_fact_that_cannot_be_read_denies(desk: Installation, root: Path) -> None:
    action = await _pay(desk, await _session(desk, "pay 10 to account X-1"), 10, account="X-1")
    assert action.state == "denied"
    assert action.decision.reasons[0].rule == "fact-missing"
    assert payments(root) == []


async def test_nobody_is_allowed_what_no_policy_permits(desk: Installation) -> None:
    session = (await desk.sessions.open(CARLA, Opening(request="pay 5 to A-100"))).id
    proposal = Proposal(session, "ledger.pay", {"account": "A-100", "amount": 5})
    action = await desk.actions.propose(CARLA, proposal)
    assert action.state == "denied"
    assert action.decision.reasons[0].rule == "no-permit"


async def test_a_repeated_proposal_under_one_key_is_one_action(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    first, second = await asyncio.gather(_pay(desk, session, 20, key="k1"), _pay(desk, session, 20, key="k1"))
    third = await _pay(desk, session, 20, key="k1")
    assert first.id == second.id == third.id
    assert len(payments(root)) == 1
    with pytest.raises(IdempotencyKeyReused):
        await _pay(desk, session, 21, key="k1")


async def test_a_loop_is_stopped(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    states = [(await _pay(desk, session, 20)).state for _ in range(5)]
    assert states == ["succeeded"] * 3 + ["denied"] * 2
    assert len(payments(root)) == 3


async def test_what_cannot_be_judged_is_an_error_and_is_journalled(desk: Installation) -> None:
    session = await _session(desk)
    with pytest.raises(OperationUnknown, match="operation_unknown") as unknown:
        await desk.actions.propose(AGENT_KEY, Proposal(session, "ledger.pays", {}))
    assert "ledger.pay" in unknown.value.fix
    with pytest.raises(InputInvalid):
        await desk.actions.propose(AGENT_KEY, Proposal(session, "ledger.pay", {"account": 7, "amount": 1}))
    proposal = Proposal(session, "ledger.pay", {"account": "A-100", "amount": 1, "note": "x"})
    with pytest.raises(InputInvalid):
        await desk.actions.propose(AGENT_KEY, proposal)
    records = await desk.journal.show(session, tenant="acme")
    assert [r.body["code"] for r in records if r.kind == "proposal.refused"] == [
        "operation_unknown",
        "input_invalid",
        "input_invalid",
    ]


async def test_undo_is_an_action_of_its_own_and_marks_the_first(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    paid = await _pay(desk, session, 20)
    undone = await desk.actions.undo(paid.id, AGENT_KEY)
    assert undone.state == "succeeded"
    assert undone.undo_of == paid.id
    assert payments(root) == []
    assert (await desk.actions.get(paid.id, AGENT_KEY)).state == "compensated"
    with pytest.raises(NothingToUndo):
        await desk.actions.undo(paid.id, AGENT_KEY)
    with pytest.raises(NothingToUndo):
        await desk.actions.undo(undone.id, AGENT_KEY)


async def test_actions_are_found_only_by_those_they_concern(desk: Installation) -> None:
    session = await _session(desk)
    action = await _pay(desk, session, 20)
    assert (await desk.actions.get(action.id, CARLA)).id == action.id
    for stranger in (OTTO, PORTAL):
        with pytest.raises(ActionUnknown):
            await desk.actions.get(action.id, stranger)
    with pytest.raises(ActionForbidden):
        await desk.actions.page(AGENT_KEY)
    assert [found.id for found in await desk.actions.page(AGENT_KEY, session=session)] == [action.id]
    assert [found.id for found in await desk.actions.page(DORA)] == [action.id]
    assert await desk.actions.page(OTTO) == []


async def test_the_caller_executes_where_the_layer_only_decides(desk: Installation) -> None:
    session = await _session(desk)
    action = await desk.actions.propose(AGENT_KEY, Proposal(session, "notes.write_note", {"text": "hello"}))
    assert action.state == "executing"
    assert action.to_json()["execute"]["idempotency_key"] == action.key
    with pytest.raises(ActionForbidden):
        await desk.actions.report(action.id, CARLA, Answer("succeeded", output={"id": "n1"}))
    done = await desk.actions.report(action.id, AGENT_KEY, Answer("succeeded", output={"id": "n1"}))
    assert done.state == "succeeded"
    with pytest.raises(ActionStateInvalid):
        await desk.actions.report(action.id, AGENT_KEY, Answer("succeeded", output={"id": "n2"}))


async def test_a_reported_result_that_breaks_its_contract_is_in_doubt(desk: Installation) -> None:
    session = await _session(desk)
    action = await desk.actions.propose(AGENT_KEY, Proposal(session, "notes.write_note", {"text": "hello"}))
    done = await desk.actions.report(action.id, AGENT_KEY, Answer("succeeded", output={"name": "n1"}))
    assert done.state == "in_doubt"
    resolved = await desk.actions.resolve(done.id, DORA, succeeded=True, comment="I looked it up")
    assert resolved.state == "succeeded"


async def test_a_result_that_is_never_reported_is_in_doubt(desk: Installation) -> None:
    session = await _session(desk)
    action = await desk.actions.propose(AGENT_KEY, Proposal(session, "notes.write_note", {"text": "hello"}))
    await desk.settlement.round()
    assert (await desk.actions.get(action.id, AGENT_KEY)).state == "executing"
    desk.clock.set(desk.clock.now() + 1000)  # type: ignore[attr-defined]  # the fixture's clock can be set
    await desk.settlement.round()
    assert (await desk.actions.get(action.id, AGENT_KEY)).state == "in_doubt"
    late = desk.actions.report(action.id, AGENT_KEY, Answer("succeeded", output={"id": "n1"}))
    with pytest.raises(ActionStateInvalid):
        await late


async def test_a_caller_that_gives_up_loses_nothing(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    writing = asyncio.create_task(_pay(desk, session, 20))
    for _ in range(100_000):
        if await desk.actions.page(DORA):
            break
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await desk.settlement.recover()
    (action,) = await desk.actions.page(DORA)
    assert action.state in ("succeeded", "in_doubt")
    assert len(payments(root)) <= 1


async def test_a_trace_answers_the_five_questions(desk: Installation) -> None:
    from interlock.orchestration.actions import trace

    action = await _pay(desk, await _session(desk), 20)
    told = trace(await desk.journal.show(action.id, tenant="acme"))
    assert told["context"]["facts"]["account"]["owner"] == "carla"
    assert {row["operation"] for row in told["systems"]} == {
        "ledger.get_account",
        "ledger.list_payments",
        "ledger.pay",
    }
    assert told["produced"]["input"]["amount"] == 20
    assert told["action"]["state"] == "succeeded"
    assert told["action"]["decisions"][0]["policies"] == ["pay-small"]
    assert told["failed"] == []
    assert [line["kind"] for line in told["records"]] == ["action.decided", "action.succeeded"]


async def test_an_action_is_undone_once_from_however_many_sessions(desk: Installation, root: Path) -> None:
    first, second = await _session(desk), await _session(desk)
    paid = await _pay(desk, first, 20)
    await _pay(desk, first, 30)
    results = await asyncio.gather(
        *(desk.actions.undo(paid.id, AGENT_KEY, session=session) for session in (first, second)),
        return_exceptions=True,
    )
    undone = {result.id for result in results if isinstance(result, Action)}
    assert len(undone) == 1
    assert payments(root) == [("A-100", 30.0)]
