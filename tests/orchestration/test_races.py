"""What happens between two steps: others act at the same moment, the project changes, a process is told late."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.governance.limits import SwitchScope, SwitchTarget
from interlock.integration.systems import Answer
from interlock.orchestration.actions import Action, ActionStateInvalid, NothingToUndo, Proposal
from interlock.orchestration.approvals import Approval, ConsentStale, Verdict
from interlock.orchestration.sessions import Opening, SessionClosed
from interlock.values.actions import ActionState
from tests.orchestration.desk import (
    AGENT_KEY,
    CARLA,
    DORA,
    LENA,
    LUIS,
    PORTAL,
    change,
    execute,
    payments,
    running,
)

REVERSIBLE = """
  repay:
    effect: write
    from: "INSERT INTO payments (account, amount, text) VALUES (:account, 0 - :amount, 'back') RETURNING id"
    input: {account: string, amount: number}
    columns: {id: integer}
    rows: one
"""


async def _pay(desk: Installation, session: str, amount: float) -> Action:
    return await desk.actions.propose(
        AGENT_KEY, Proposal(session, "ledger.pay", {"account": "A-100", "amount": amount})
    )


async def _session(desk: Installation, words: str = "Pay 20 to account A-100") -> str:
    return (await desk.sessions.open(CARLA, Opening(agent="helper", request=words))).id


async def _asked(desk: Installation, action: Action) -> Approval:
    (found,) = [a for a in await desk.approvals.of_action(action.id) if a.state == "pending"]
    return found


def _repayable(root: Path) -> None:
    """Let a payment be undone by an operation that would gladly run twice."""
    change(
        root, "systems/ledger.yaml", "unpay(id = output.id)", "repay(account = input.account, amount = input.amount)"
    )
    with (root / "systems" / "ledger.yaml").open("a") as file:
        file.write(REVERSIBLE)
    change(root, "policies/desk.cedar", '"ledger.unpay"', '"ledger.repay"')


@contextmanager
def _held(root: Path) -> Iterator[None]:
    """Keep the ledger from answering for as long as this lasts."""
    ledger = sqlite3.connect(root / "ledger.db", isolation_level=None)
    ledger.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        ledger.execute("ROLLBACK")
        ledger.close()


async def _under_way(desk: Installation, root: Path, work: asyncio.Task[Action]) -> None:
    """Let *work* go on until nothing but the ledger holds it up."""
    for _ in range(2000):
        await asyncio.sleep(0)
    assert not work.done()


async def test_a_session_closed_by_one_process_stays_closed_whatever_another_adds(root: Path) -> None:
    async with running(root) as first, running(root) as second:
        one, two = first.installation, second.installation
        session = (await one.sessions.open(CARLA, Opening(agent="helper"))).id
        await two.sessions.use(session, CARLA)
        await asyncio.gather(
            one.sessions.close(CARLA, session),
            two.sessions.extend(CARLA, session, request="one more thing"),
            return_exceptions=True,
        )
        for desk in (one, two):
            with pytest.raises(SessionClosed):
                await desk.sessions.use(session, CARLA)


async def test_turns_added_by_two_processes_at_once_are_both_kept(root: Path) -> None:
    async with running(root) as first, running(root) as second:
        one, two = first.installation, second.installation
        session = (await one.sessions.open(PORTAL, Opening(agent="helper", person="carla"))).id
        await two.sessions.use(session, CARLA)
        await asyncio.gather(
            one.sessions.extend(PORTAL, session, verification="strong"),
            one.sessions.extend(CARLA, session, request="from the phone"),
            two.sessions.extend(CARLA, session, request="from the desk"),
        )
        for desk in (one, two):
            found = await desk.sessions.use(session, CARLA)
            assert sorted(found.requests) == ["from the desk", "from the phone"]
            assert found.verification == "strong"


async def test_a_burst_right_after_a_restart_does_not_get_past_the_loop_guard(root: Path) -> None:
    async with running(root) as first:
        session = await _session(first.installation)
    async with running(root) as second:
        desk = second.installation
        states = [action.state for action in await asyncio.gather(*(_pay(desk, session, 20) for _ in range(8)))]
        assert states.count(ActionState.succeeded) == 3
    assert len(payments(root)) == 3


async def test_two_reports_at_once_tell_both_callers_what_is_recorded(desk: Installation) -> None:
    note = await desk.actions.propose(AGENT_KEY, Proposal(await _session(desk), "notes.write_note", {"text": "hello"}))
    told = await asyncio.gather(
        desk.actions.report(note.id, AGENT_KEY, Answer("succeeded", output={"id": "n1"})),
        desk.actions.report(note.id, AGENT_KEY, Answer("failed", problem={"code": "disk_full"})),
        return_exceptions=True,
    )
    stored = await desk.actions.get(note.id, AGENT_KEY)
    assert {one.state for one in told if isinstance(one, Action)} == {stored.state}
    records = await desk.journal.show(note.id, tenant="acme")
    assert len([record for record in records if record.kind in ("action.succeeded", "action.failed")]) == 1


async def test_a_payment_is_undone_once_whoever_asks_from_wherever(root: Path) -> None:
    _repayable(root)
    async with running(root) as composed:
        desk = composed.installation
        first, second = await _session(desk), await _session(desk)
        paid = await _pay(desk, first, 20)
        results = await asyncio.gather(
            desk.actions.undo(paid.id, AGENT_KEY),
            desk.actions.undo(paid.id, AGENT_KEY, session=second),
            return_exceptions=True,
        )
        assert [amount for _, amount in payments(root)] == [20.0, -20.0]
        assert sum(isinstance(one, Action) and one.state == "succeeded" for one in results) == 1
        with pytest.raises(NothingToUndo):
            await desk.actions.undo(paid.id, CARLA, session=second)


async def test_an_undo_that_waits_is_not_asked_for_twice(root: Path) -> None:
    _repayable(root)
    rule = '@id("unpay") permit (principal in Role::"agents", action == Action::"ledger.repay", resource);'
    asks = '@id("unpay") @require("confirm") permit (principal, action == Action::"ledger.repay", resource);'
    change(root, "policies/desk.cedar", rule, asks)
    async with running(root) as composed:
        desk = composed.installation
        first, second = await _session(desk), await _session(desk)
        paid = await _pay(desk, first, 20)
        waits = await desk.actions.undo(paid.id, AGENT_KEY)
        assert (await desk.actions.undo(paid.id, AGENT_KEY, session=second)).id == waits.id
        assert (await desk.waiting.confirm(waits.id, CARLA, consent=waits.consent)).state == "succeeded"
        with pytest.raises(NothingToUndo):
            await desk.actions.undo(paid.id, AGENT_KEY, session=second)
        assert [amount for _, amount in payments(root)] == [20.0, -20.0]


async def test_a_key_of_the_callers_own_is_never_taken_for_an_undo(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    paid = await _pay(desk, session, 20)
    squat = Proposal(session, "ledger.get_account", {"id": "A-100"}, client_key=f"undo:{paid.id}")
    await desk.actions.propose(AGENT_KEY, squat)
    assert (await desk.actions.undo(paid.id, CARLA)).undo_of == paid.id


async def test_a_switch_thrown_while_facts_are_read_stops_the_action(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    with _held(root):
        paying = asyncio.create_task(_pay(desk, session, 20))
        await _under_way(desk, root, paying)
        await desk.switches.set(SwitchTarget(SwitchScope.system, "ledger", "acme"), reason="Stop", by=DORA)
    action = await paying
    assert (action.state, action.decision.reasons[0].rule) == ("denied", "switch-system")
    assert payments(root) == []


async def test_a_session_closed_while_facts_are_read_lets_nothing_run(desk: Installation, root: Path) -> None:
    session = await _session(desk)
    with _held(root):
        paying = asyncio.create_task(_pay(desk, session, 20))
        await _under_way(desk, root, paying)
        await desk.sessions.close(CARLA, session)
    action = await paying
    assert (action.state, action.decision.reasons[0].rule) == ("denied", "session-closed")
    assert payments(root) == []


async def test_an_action_decided_while_the_project_changes_is_decided_by_the_new_one(
    desk: Installation, root: Path
) -> None:
    session = await _session(desk)
    with _held(root):
        paying = asyncio.create_task(_pay(desk, session, 20))
        await _under_way(desk, root, paying)
        change(
            root,
            "policies/desk.cedar",
            '@id("limit")',
            '@id("stop") forbid (principal, action, resource);\n@id("limit")',
        )
        await desk.projects.reload()
    action = await paying
    assert (action.state, action.decision.reasons[0].rule) == ("denied", "stop")
    assert action.decision.policy_version == desk.projects.current.policies.version
    assert payments(root) == []


async def test_a_definition_that_changes_meanwhile_is_not_run_before_it_is_accepted(
    desk: Installation, root: Path
) -> None:
    session = await _session(desk)
    with _held(root):
        paying = asyncio.create_task(_pay(desk, session, 20))
        await _under_way(desk, root, paying)
        change(
            root, "systems/ledger.yaml", "VALUES (:account, :amount, :text)", "VALUES (:account, 10 * :amount, :text)"
        )
        await desk.projects.reload()
    action = await paying
    assert (action.state, action.decision.reasons[0].rule) == ("denied", "definition-quarantined")
    assert payments(root) == []


async def test_a_consent_to_one_definition_is_none_to_another(desk: Installation, root: Path) -> None:
    action = await _pay(desk, await _session(desk, "Pay 400 to account A-100"), 400)
    seen = await _asked(desk, action)
    change(root, "systems/ledger.yaml", "VALUES (:account, :amount, :text)", "VALUES (:account, 10 * :amount, :text)")
    await desk.projects.reload()
    await desk.pins.accept("ledger.pay", by=DORA)
    with pytest.raises(ConsentStale):
        await desk.approvals.decide(Verdict(seen.id, True, seen.consent), LENA)
    fresh = await _asked(desk, action)
    await desk.approvals.decide(Verdict(fresh.id, True, fresh.consent), LENA)
    assert payments(root) == [("A-100", 4000.0)]


async def test_a_confirmation_that_became_void_does_not_come_back(desk: Installation, root: Path) -> None:
    rule = '@require("confirm") @because("Above 50 the person confirms")'
    change(root, "policies/desk.cedar", rule, '@require("confirm;approval:lead")')
    await desk.projects.reload()
    action = await _pay(desk, await _session(desk, "Pay 80 to account A-100"), 80)
    first = await desk.waiting.confirm(action.id, CARLA, consent=action.consent)
    assert [str(unmet) for unmet in first.unmet()] == ["approval:lead"]
    for version in (2, 1):
        execute(root, f"UPDATE accounts SET version = {version}")
        await desk.waiting.refresh(action.id)
    fresh = await _asked(desk, action)
    await desk.approvals.decide(Verdict(fresh.id, True, fresh.consent), LENA)
    again = await desk.actions.get(action.id, CARLA)
    assert again.state == "waiting"
    assert "confirm" in {str(unmet) for unmet in again.unmet()}
    assert payments(root) == []


async def test_an_approval_lapses_if_what_else_is_asked_for_takes_too_long(desk: Installation, root: Path) -> None:
    opening = Opening(agent="helper", person="carla", request="Pay 2000 to A-100")
    session = (await desk.sessions.open(PORTAL, opening)).id
    action = await _pay(desk, session, 2000)
    for lead in (LENA, LUIS):
        asked = await _asked(desk, action)
        await desk.approvals.decide(Verdict(asked.id, True, asked.consent), lead)
    desk.clock.set(desk.clock.now() + 2 * 3600)  # type: ignore[attr-defined]  # the fixture's clock can be set
    await desk.sessions.extend(PORTAL, session, verification="strong")
    (found,) = await desk.waiting.resume_session(session)
    assert found.state == "waiting"
    assert [str(unmet) for unmet in found.unmet()] == ["approval:lead:2"]
    assert (await _asked(desk, action)).agreed() == 0
    assert payments(root) == []


async def test_who_approves_while_another_resumes_hears_of_no_fault(desk: Installation, root: Path) -> None:
    action = await _pay(desk, await _session(desk, "Pay 400 to account A-100"), 400)
    asked = await _asked(desk, action)

    async def settle() -> None:
        for _ in range(20):
            await desk.settlement.round()

    decided, _ = await asyncio.gather(
        desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA), settle(), return_exceptions=True
    )
    assert isinstance(decided, Approval)
    assert decided.state == "approved"
    assert payments(root) == [("A-100", 400.0)]


async def test_cancelling_and_approving_at_once_is_one_or_the_other(desk: Installation, root: Path) -> None:
    action = await _pay(desk, await _session(desk, "Pay 400 to account A-100"), 400)
    asked = await _asked(desk, action)
    cancelled, _ = await asyncio.gather(
        desk.actions.cancel(action.id, CARLA),
        desk.approvals.decide(Verdict(asked.id, True, asked.consent), LENA),
        return_exceptions=True,
    )
    ended = (await desk.actions.get(action.id, CARLA)).state
    if isinstance(cancelled, ActionStateInvalid):
        assert (ended, payments(root)) == ("succeeded", [("A-100", 400.0)])
    else:
        assert (ended, payments(root)) == ("cancelled", [])
