"""What is left open is taken further by itself, and one thing that cannot be never holds up the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.governance.gate import Snapshot, decide
from interlock.integration.systems import Answer
from interlock.orchestration.actions import Action, ActionStateInvalid, Proposal, settlement
from interlock.orchestration.approvals import ApprovalClosed, ConsentStale, Verdict
from interlock.orchestration.sessions import Opening
from interlock.values.decisions import decision_from_json
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, LENA, PORTAL, change, execute, payments, running

ERASER = """
  erase_note:
    effect: write
    input: {type: object, required: [id], additionalProperties: false, properties: {id: {type: string}}}
"""


async def _propose(desk: Installation, session: str, operation: str, **arguments: object) -> Action:
    return await desk.actions.propose(AGENT_KEY, Proposal(session, operation, arguments))


async def _session(desk: Installation, words: str = "Pay 80 to account A-100") -> str:
    return (await desk.sessions.open(CARLA, Opening(agent="helper", request=words))).id


def _pass(desk: Installation, seconds: float) -> None:
    desk.clock.set(desk.clock.now() + seconds)  # type: ignore[attr-defined]  # the fixture's clock can be set


@pytest.mark.parametrize("word", ["effect: write\n    idempotent: true", "effect: read"])
async def test_what_a_caller_never_reported_is_a_persons_and_holds_up_nobody(root: Path, word: str) -> None:
    change(root, "systems/notes.yaml", "effect: write", word)
    async with running(root) as composed:
        desk = composed.installation
        session = await _session(desk)
        note = await _propose(desk, session, "notes.write_note", text="hello")
        late = await _propose(desk, session, "ledger.pay", account="A-100", amount=400)
        _pass(desk, 7300)
        for _ in range(3):
            await desk.settlement.round()
            _pass(desk, 1900)
        found = await desk.actions.get(note.id, CARLA)
        assert found.state == "in_doubt"
        assert not desk.settlement.can_settle(found)
        assert (await desk.settlement.settle(found)).state == "in_doubt"
        assert (await desk.actions.get(late.id, CARLA)).state == "denied"


async def test_an_undo_that_a_person_vouches_for_marks_what_it_undid(root: Path) -> None:
    change(root, "systems/notes.yaml", "description: Write", "undo: erase_note(id = output.id)\n    description: Write")
    with (root / "systems" / "notes.yaml").open("a") as file:
        file.write(ERASER)
    with (root / "policies" / "desk.cedar").open("a") as file:
        file.write('@id("erase") permit (principal, action == Action::"notes.erase_note", resource);')
    async with running(root) as composed:
        desk = composed.installation
        note = await _propose(desk, await _session(desk), "notes.write_note", text="hello")
        await desk.actions.report(note.id, AGENT_KEY, Answer("succeeded", output={"id": "n1"}))
        undoing = await desk.actions.undo(note.id, AGENT_KEY)
        assert undoing.state == "executing"
        _pass(desk, 1000)
        await desk.settlement.round()
        await desk.actions.resolve(undoing.id, DORA, succeeded=True, comment="It is gone")
        assert (await desk.actions.get(note.id, CARLA)).state == "compensated"
        kinds = [record.kind for record in await desk.journal.show(note.id, tenant="acme")]
        assert kinds[-1] == "action.compensated"


async def test_what_waits_in_a_closed_session_ends_with_its_approvals(desk: Installation, root: Path) -> None:
    waiting = []
    for amount in (80, 400):
        session = await _session(desk)
        waiting.append(await _propose(desk, session, "ledger.pay", account="A-100", amount=amount))
        await desk.sessions.close(CARLA, session)
    (asked,) = await desk.approvals.page(LENA)
    await desk.settlement.round()
    for action in waiting:
        found = await desk.actions.get(action.id, CARLA)
        assert (found.state, found.decision.reasons[0].rule) == ("denied", "session-closed")
    assert await desk.approvals.page(LENA) == []
    with pytest.raises((ApprovalClosed, ConsentStale)):
        await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    assert payments(root) == []


async def test_what_was_raised_before_a_crash_goes_on_after_it(root: Path) -> None:
    rule = '@require("confirm") @because("Above 50 the person confirms")'
    change(root, "policies/desk.cedar", rule, '@require("step-up:strong")')
    async with running(root) as first:
        desk = first.installation
        session = (await desk.sessions.open(PORTAL, Opening(agent="helper", request="Pay 80 to A-100"))).id
        action = await _propose(desk, session, "ledger.pay", account="A-100", amount=80)
        await desk.sessions.extend(PORTAL, session, verification="strong")
    async with running(root) as second:
        await second.installation.settlement.round()
        assert (await second.installation.actions.get(action.id, DORA)).state == "succeeded"
    assert payments(root) == [("A-100", 80.0)]


async def test_many_that_wait_do_not_hide_one_that_can_go_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "PAGE", 2)
    async with running(root) as composed:
        desk = composed.installation
        for _ in range(3):
            await _propose(desk, await _session(desk), "ledger.pay", account="A-100", amount=80)
        last = await _session(desk)
        action = await _propose(desk, last, "ledger.pay", account="A-100", amount=80)
        await desk.sessions.close(CARLA, last)
        for _ in range(3):
            await desk.settlement.round()
        assert (await desk.actions.get(action.id, CARLA)).state == "denied"


async def test_a_record_whose_version_cannot_be_told_denies(root: Path) -> None:
    change(root, "systems/ledger.yaml", '"facts.account.version"', '"facts.payments[0].id"')
    async with running(root) as composed:
        desk = composed.installation
        action = await _propose(desk, await _session(desk), "ledger.pay", account="A-100", amount=20)
        assert (action.state, action.decision.reasons[0].rule) == ("denied", "fact-missing")
    assert payments(root) == []


async def test_a_fact_that_only_the_caller_could_read_denies(root: Path) -> None:
    change(root, "systems/notes.yaml", "effect: write", "effect: read")
    change(
        root, "systems/ledger.yaml", "      paid:", "      note: notes.write_note(text = input.account)\n      paid:"
    )
    async with running(root) as composed:
        desk = composed.installation
        action = await _propose(desk, await _session(desk), "ledger.pay", account="A-100", amount=20)
        assert (action.state, action.decision.reasons[0].rule) == ("denied", "fact-missing")
    assert payments(root) == []


async def test_a_cached_fact_does_not_hide_a_changed_record_from_an_approval(root: Path) -> None:
    change(
        root,
        "systems/ledger.yaml",
        "account: ledger.get_account(id = input.account)",
        "account: {read: ledger.get_account(id = input.account), max_age: 1h}",
    )
    async with running(root) as composed:
        desk = composed.installation
        await _propose(desk, await _session(desk), "ledger.pay", account="A-100", amount=400)
        (asked,) = await desk.approvals.page(LENA)
        execute(root, "UPDATE accounts SET version = 2")
        with pytest.raises(ConsentStale):
            await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    assert payments(root) == []


async def test_an_operation_taken_out_of_the_project_leaves_no_fault(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    note = await _propose(desk, session, "notes.write_note", text="hello")
    action = await _propose(desk, session, "ledger.pay", account="A-100", amount=400)
    (asked,) = await desk.approvals.page(LENA)
    change(root, "systems/ledger.yaml", "  pay:\n", "  settle:\n")
    (root / "systems" / "notes.yaml").unlink()
    change(root, "agents/helper.yaml", ', "notes.*"', "")
    policies = (root / "policies" / "desk.cedar").read_text("utf-8")
    kept = [line for line in policies.split("@id") if "notes." not in line]
    (root / "policies" / "desk.cedar").write_text("@id".join(kept).replace("ledger.pay", "ledger.settle"), "utf-8")
    await desk.projects.reload()
    with pytest.raises(ActionStateInvalid):
        await desk.actions.report(note.id, AGENT_KEY, Answer("succeeded", output={"id": "n1"}))
    verdict = Verdict(asked.id, True, asked.consent, edited={"account": "A-100", "amount": 300})
    with pytest.raises((ConsentStale, ActionStateInvalid)):
        await desk.approvals.decide(verdict, LENA)
    await desk.settlement.round()
    gone = await desk.actions.get(action.id, CARLA)
    assert (gone.state, gone.decision.reasons[0].rule) == ("denied", "operation-gone")


async def test_every_decision_in_the_journal_can_be_made_again_from_it(desk: Installation, root: Path) -> None:
    session = (await desk.sessions.open(PORTAL, Opening(agent="helper", person="carla", request="Pay A-100"))).id
    for amount in (20, 80, 400, 2000, 20, 20, 20):
        await _propose(desk, session, "ledger.pay", account="A-100", amount=amount)
    for account in ("B-666", "X-1"):
        await _propose(desk, session, "ledger.get_account", id="A-100")
        await _propose(desk, session, "ledger.pay", account=account, amount=10)
    await desk.sessions.extend(PORTAL, session, verification="strong")
    await desk.waiting.resume_session(session)
    execute(root, "UPDATE accounts SET version = 2")
    for asked in await desk.approvals.page(LENA):
        with pytest.raises(ConsentStale):
            await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    for asked in await desk.approvals.page(LENA):
        await desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA)
    policies, seen = desk.projects.current.policies, set()
    for action in await desk.actions.page(DORA, limit=100):
        for record in await desk.journal.show(action.id, tenant="acme"):
            if "snapshot" not in record.fields:
                continue
            texts = zip(record.body["decision"]["reasons"], record.fields["reasons"], strict=True)
            stored = {**record.body["decision"], "reasons": [{"rule": rule, "text": text} for rule, text in texts]}
            again = decide(Snapshot.from_json(record.fields["snapshot"]), policies)
            assert again == decision_from_json(stored), record.kind
            seen.add((record.kind, again.outcome.value))
    assert {("action.decided", "allow"), ("action.decided", "wait"), ("action.decided", "deny")} <= seen
    assert {("action.redecided", "wait"), ("action.consent_void", "wait")} <= seen
