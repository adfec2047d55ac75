"""The project's files: everything wrong is told at once, and a change is taken whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.foundation.documents import ProjectInvalid
from interlock.orchestration.actions import Proposal
from interlock.orchestration.project import load_project
from interlock.orchestration.sessions import Opening
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("interlock.yaml", "tenants:", "tenant:", "tenants"),
        ("systems/ledger.yaml", 'effect: write\n    from: "INSERT', 'efect: write\n    from: "INSERT', "effect"),
        (
            "systems/ledger.yaml",
            "ledger.get_account(id = input.account)",
            "ledger.get_acount(id = input.account)",
            "ledger.get_acount",
        ),
        (
            "systems/ledger.yaml",
            "account: ledger.get_account(id = input.account)",
            "account: ledger.unpay(id = 1)",
            "effect: read",
        ),
        ("systems/ledger.yaml", 'paid: "sum(facts.payments', 'paid: "sum(facts.paiments', "paiments"),
        ("systems/ledger.yaml", "undo: unpay(", "undo: unpaid(", "ledger.unpaid"),
        (
            "systems/ledger.yaml",
            "    undo: unpay(",
            "    read_back: list_payments(account = output.account)\n    undo: unpay(",
            "read_back",
        ),
        (
            "systems/ledger.yaml",
            "SELECT id, account, amount",
            "DELETE FROM payments; SELECT id, account, amount",
            "list_payments",
        ),
        ("policies/desk.cedar", "context.input.amount.greaterThan", "context.input.amout.greaterThan", "amout"),
        ("policies/desk.cedar", 'Role::"clerk"', 'Role::"clark"', "clerk"),
        ("policies/desk.cedar", '@require("confirm")', '@require("confrim")', "confirm"),
        ("policies/desk.cedar", 'Action::"ledger.unpay"', 'Action::"ledger.unpya"', "ledger.unpay"),
        ("agents/helper.yaml", "route: desk", "rout: desk", "route"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_the_right_word(
    root: Path, file: str, old: str, new: str, told: str
) -> None:
    load_project(root)
    _edit(root / file, old, new)
    with pytest.raises(ProjectInvalid) as error:
        load_project(root)
    texts = [str(finding) for finding in error.value.findings]
    assert any(Path(file).name in text and told in text for text in texts), texts


def test_a_read_back_takes_nothing_of_an_output_that_was_lost(root: Path) -> None:
    """`pay` takes an account and returns one; only the first is known when its answer is lost."""
    _edit(root / "systems/ledger.yaml", "    undo: unpay(", "    read_back: list_payments()\n    undo: unpay(")
    plan = load_project(root).read_backs["ledger.pay"]
    assert plan.call.build({"input": {"account": "A-100"}, "key": "k"}) == {"account": "A-100"}


async def test_a_broken_change_leaves_the_old_project_active(desk: Installation, root: Path) -> None:
    before = desk.projects.current.version
    _edit(root / "policies/desk.cedar", 'Role::"clerk"', 'Role::"clark"')
    with pytest.raises(ProjectInvalid):
        await desk.projects.reload()
    status = desk.projects.status()
    assert status["version"] == before
    assert status["rejected"]["version"] != before
    session = await desk.sessions.open(CARLA, Opening(agent="helper", request="Pay 20 to A-100"))
    action = await desk.actions.propose(
        AGENT_KEY, Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 20})
    )
    assert action.state == "succeeded"


async def test_a_good_change_counts_for_the_next_action(desk: Installation, root: Path) -> None:
    _edit(
        root / "policies/desk.cedar",
        'decimal("50.00")) };\n@id("pay-middle")',
        'decimal("10.00")) };\n@id("pay-middle")',
    )
    await desk.projects.reload()
    assert "rejected" not in desk.projects.status()
    session = await desk.sessions.open(CARLA, Opening(agent="helper", request="Pay 20 to A-100"))
    action = await desk.actions.propose(
        AGENT_KEY, Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 20})
    )
    assert action.state == "denied"


async def test_a_changed_definition_is_held_back_until_somebody_accepts_it(desk: Installation, root: Path) -> None:
    _edit(root / "systems/ledger.yaml", "WHERE account = :account", "WHERE account = :account AND amount > 0")
    await desk.projects.reload()
    session = await desk.sessions.open(CARLA, Opening(agent="helper", request="What was paid from A-100?"))
    look = Proposal(session.id, "ledger.list_payments", {"account": "A-100"})
    held = await desk.actions.propose(AGENT_KEY, look)
    assert (held.state, held.decision.reasons[0].rule) == ("denied", "definition-quarantined")
    (quarantined,) = desk.pins.quarantined()
    assert [difference.pointer for difference in quarantined.differences] == ["/binding/statement"]
    await desk.pins.accept("ledger.list_payments", by=DORA)
    assert (await desk.actions.propose(AGENT_KEY, look)).state == "succeeded"
    kinds = [record.kind for record in await desk.journal.show("ledger.list_payments", tenant="acme")]
    assert kinds == ["definition.pinned", "definition.quarantined", "definition.accepted"]
