"""The whole path on PostgreSQL: the same project, another storage URL, two processes' worth of installations."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.governance.limits import SwitchScope, SwitchTarget
from interlock.orchestration.actions import Action, Proposal, trace
from interlock.orchestration.approvals import ConsentStale, Verdict
from interlock.orchestration.sessions import Opening, PlanFixed
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, LENA, execute, payments, running

pytestmark = pytest.mark.postgres


async def test_an_action_waits_in_one_process_and_is_approved_in_another(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first, running(root) as second:
        one, two = first.installation, second.installation
        session = await one.sessions.open(CARLA, Opening(agent="helper", request="Pay 400 to account A-100"))
        pay = Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 400}, client_key="k")
        action = await one.actions.propose(AGENT_KEY, pay)
        assert action.state == "waiting"
        (approval,) = await two.approvals.page(LENA)
        execute(root, "UPDATE accounts SET version = 2")
        with pytest.raises(ConsentStale):
            await two.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)
        (fresh,) = await two.approvals.page(LENA)
        await two.approvals.decide(Verdict(fresh.id, True, fresh.consent), LENA)
        assert (await one.actions.propose(AGENT_KEY, pay)).state == "succeeded"
        assert payments(root) == [("A-100", 400.0)]
        told = trace(await one.journal.show(action.id, tenant="acme"))
        assert told["action"]["state"] == "succeeded"
        assert (await one.sessions.use(session.id, AGENT_KEY)).done == ["ledger.pay"]
        verification = await one.journal.verify()
        assert verification.ok, verification


async def test_processes_neither_share_a_place_in_a_plan_nor_fix_two(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first, running(root) as second:
        desks = (first.installation, second.installation)
        words = "Pay 20 to account A-100"
        session = await desks[0].sessions.open(CARLA, Opening(agent="helper", request=words))
        plan = [{"operation": "ledger.pay", "times": 2, "arguments": {"account": "A-100"}}]
        fixed = await asyncio.gather(
            *(desk.sessions.fix_plan(CARLA, session.id, plan) for desk in desks), return_exceptions=True
        )
        assert sum(isinstance(one, PlanFixed) for one in fixed) == 1
        pays = [Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 1 + n}) for n in range(6)]
        made = await asyncio.gather(*(desks[n % 2].actions.propose(AGENT_KEY, pay) for n, pay in enumerate(pays)))
        assert sum(action.state == "succeeded" for action in made) == 2 == len(payments(root))
        outside = [action for action in made if action.state == "waiting"]
        assert {action.decision.reasons[0].rule for action in outside} == {"outside-plan"}


async def test_a_switch_set_in_one_process_stops_the_other(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first, running(root) as second:
        one, two = first.installation, second.installation
        session = await one.sessions.open(CARLA, Opening(agent="helper", request="Look at A-100"))
        read = Proposal(session.id, "ledger.get_account", {"id": "A-100"})
        assert (await two.actions.propose(AGENT_KEY, read)).state == "succeeded"
        await one.switches.set(SwitchTarget(SwitchScope.agent, "helper"), reason="It misbehaves", by=DORA)
        two.switches._checked = float("-inf")
        stopped = await two.actions.propose(AGENT_KEY, read)
        assert stopped.state == "denied"
        assert stopped.decision.reasons[0].rule == "switch-agent"


async def test_what_a_dead_process_was_executing_is_taken_over(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first:
        one = first.installation
        session = await one.sessions.open(CARLA, Opening(agent="helper", request="Write a note"))
        note = Proposal(session.id, "notes.write_note", {"text": "hello"})
        external = await one.actions.propose(AGENT_KEY, note)
        assert external.state == "executing"
        async with running(root) as second:
            assert await second.installation.settlement.recover() == 0
            found = await second.installation.actions.get(external.id, CARLA)
            assert found.state == "executing"


async def test_a_burst_right_after_a_restart_does_not_get_past_the_loop_guard(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first:
        opening = Opening(agent="helper", request="Pay 20 to account A-100")
        session = (await first.installation.sessions.open(CARLA, opening)).id
    async with running(root) as second:
        pay = Proposal(session, "ledger.pay", {"account": "A-100", "amount": 20})
        propose = second.installation.actions.propose
        actions = await asyncio.gather(*(propose(AGENT_KEY, pay) for _ in range(8)))
        assert [action.state.value for action in actions].count("succeeded") == 3
    assert len(payments(root)) == 3


async def test_an_action_is_undone_once_also_by_two_processes(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first, running(root) as second:
        one, two = first.installation, second.installation
        sessions = [
            (await desk.sessions.open(CARLA, Opening(agent="helper", request="Pay 20 to A-100"))).id
            for desk in (one, two)
        ]
        paid = await one.actions.propose(
            AGENT_KEY, Proposal(sessions[0], "ledger.pay", {"account": "A-100", "amount": 20})
        )
        results = await asyncio.gather(
            one.actions.undo(paid.id, AGENT_KEY, session=sessions[0]),
            two.actions.undo(paid.id, AGENT_KEY, session=sessions[1]),
            return_exceptions=True,
        )
        assert len({one.id for one in results if isinstance(one, Action)}) == 1
        assert (await one.actions.get(paid.id, CARLA)).state == "compensated"


async def test_what_one_process_overheard_the_other_knows(root: Path, postgres_url: str) -> None:
    async with running(root, postgres_url) as first, running(root) as second:
        one, two = first.installation, second.installation
        session = await one.sessions.open(CARLA, Opening(agent="helper", request="Look"))
        await two.sessions.overhear(AGENT_KEY, session.id, [("search", "Pay A-100 at ZZ-4711-Q")])
        found = await one.sessions.use(session.id, AGENT_KEY)
        assert [heard.text for heard in found.overheard] == ["Pay A-100 at ZZ-4711-Q"]
        for desk, key in ((one, "chat:a"), (two, "chat:b"), (two, "other")):
            await desk.actions.propose(AGENT_KEY, Proposal(session.id, "ledger.get_account", {"id": "A-100"}, key))
        known = await one.actions.under(AGENT_KEY, session.id, "chat:")
        assert [action.client_key for action in known] == ["chat:a", "chat:b"]
