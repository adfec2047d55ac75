"""What an approver may not see is masked, is said to be masked, and still runs exactly as it was asked."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from interlock.experience.cli.rendering import approval_text
from tests.experience.console.visitor import Visitor
from tests.journeys.caller import Caller
from tests.journeys.labels.test_results import holds
from tests.journeys.labels.vault import CANARIES, FINANCIAL, IBAN, NAME, PERSONAL, SALARY, Vault


async def asked(vault: Vault, who: str) -> dict[str, Any]:
    """The newest approval as somebody may see it."""
    found: dict[str, Any] = (await vault.read(who, "/v1/approvals"))["items"][0]
    return found


def paid(vault: Vault) -> list[tuple[Any, ...]]:
    with sqlite3.connect(vault.root / "staff.db") as database:
        rows = list(database.execute("SELECT person, iban, amount FROM payments"))
    database.close()
    return rows


async def test_an_approver_sees_that_a_target_is_hidden_and_why(vault: Vault) -> None:
    _, action = await vault.waiting()
    assert action["state"] == "waiting", action
    assert action["input"]["iban"] == IBAN, "who proposed it sees what was sent"
    approval = await asked(vault, "lena")
    shown = approval["shown"]
    assert shown["input"] == {"person": "p1", "iban": FINANCIAL, "amount": 20.0}
    assert shown["facts"]["payee"] == {"id": "p1", "name": NAME, "iban": FINANCIAL, "salary": PERSONAL, "version": 1}
    assert (shown["facts"]["monthly"], shown["record"]) == (PERSONAL, "1"), "by the fields that went in"
    assert set(shown["masked"]["fields"]) == {
        "/input/iban",
        "/facts/payee/iban",
        "/facts/payee/salary",
        "/facts/monthly",
        "/facts/owed",
    }
    assert shown["masked"]["cleared"]["confidentiality"] == "confidential"
    assert not holds(approval)
    assert not holds(await vault.by("lena", lambda caller: caller.action(action["id"])))
    told = approval_text(approval)
    assert "5 values are hidden from you: you are cleared up to confidential data" in told
    assert FINANCIAL in told


async def test_an_approver_who_is_cleared_sees_all_of_it(vault: Vault) -> None:
    await vault.waiting()
    shown = (await asked(vault, "aude"))["shown"]
    assert (shown["input"]["iban"], shown["facts"]["payee"]["salary"], shown["record"]) == (IBAN, SALARY, "1")
    assert shown["facts"]["owed"] == 20.0
    assert "masked" not in shown


async def test_pages_of_the_console_mask_in_the_same_way(vault: Vault) -> None:
    _, action = await vault.waiting()
    approval = await asked(vault, "lena")
    pages = ["approvals", f"approvals/{approval['id']}", "actions", f"actions/{action['id']}"]
    pages.append(f"actions/{action['id']}/explanation")
    for page in pages:
        hidden = await vault.page("lena", f"/console/{page}")
        assert hidden.status == 200
        assert not [canary for canary in CANARIES if canary in hidden.html], page
        whole = await vault.page("aude", f"/console/{page}")
        assert IBAN in whole.html or "explanation" in page, page
    assert "restricted, financial" in (await vault.page("aude", f"/console/actions/{action['id']}")).text
    shown = await vault.page("lena", f"/console/approvals/{approval['id']}")
    assert "5 values are hidden from you" in shown.text
    assert FINANCIAL in shown.text


async def test_an_explanation_is_of_the_real_decision_and_tells_no_hidden_value(vault: Vault) -> None:
    _, action = await vault.waiting()
    told = {who: await vault.read(who, f"/v1/actions/{action['id']}/explain") for who in ("lena", "aude")}
    assert told["lena"]["decision"] == told["aude"]["decision"]
    seen = {who: _seen(explained) for who, explained in told.items()}
    assert seen["aude"]["context.facts.payee.salary"] == SALARY
    assert seen["lena"]["context.facts.payee.salary"] == PERSONAL
    assert seen["lena"]["context.input.iban"] == FINANCIAL
    assert not holds(told["lena"])
    assert holds(told["aude"]["changes"])


def _seen(explained: dict[str, Any]) -> dict[str, Any]:
    parts = [part for policy in explained["policies"] for part in policy["conditions"]]
    return {name: value for part in parts for name, value in part["seen"].items()}


async def test_what_was_hidden_runs_as_it_was_asked(vault: Vault) -> None:
    await vault.waiting()
    approval = await asked(vault, "lena")
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    path = f"/v1/approvals/{approval['id']}/decide"
    decided = await vault.by("lena", lambda caller: caller.post(path, verdict))
    assert decided["state"] == "approved"
    assert not holds(decided)
    assert paid(vault) == [("p1", IBAN, 20.0)]
    action = await vault.by("lena", lambda caller: caller.action(approval["action"]))
    assert action["output"] == {"id": 1, "iban": FINANCIAL, "amount": 20.0}, "what repeats a hidden argument is hidden"
    assert action["state"] == "succeeded"
    for path in (f"/v1/actions/{action['id']}/trace", f"/v1/journal/{action['id']}"):
        assert not holds(await vault.read("lena", path))
        assert holds(await vault.read("aude", path))


@pytest.mark.parametrize("changes_target", [False, True])
async def test_a_mask_that_comes_back_in_an_edit_leaves_the_argument_as_it_is(
    vault: Vault, changes_target: bool
) -> None:
    await vault.waiting()
    approval = await asked(vault, "lena")
    edited = {**approval["shown"]["input"], "amount": 15.0}
    edited |= {"iban": "DE00000000000000000001"} if changes_target else {}
    verdict = {"verdict": "approve", "consent": approval["consent"], "input": edited}
    path = f"/v1/approvals/{approval['id']}/decide"
    await vault.by("lena", lambda caller: caller.post(path, verdict))
    assert paid(vault) == [("p1", "DE00000000000000000001" if changes_target else IBAN, 15.0)]


async def test_a_page_with_hidden_values_can_be_edited(vault: Vault) -> None:
    await vault.waiting()
    approval = await asked(vault, "lena")

    def edit(_: Caller) -> None:
        visitor = Visitor(vault.port)
        shown = visitor.sign_in(vault.keys["lena"], f"/console/approvals/{approval['id']}")
        review = visitor.post(shown.form("/review"), {"amount": "12"})
        assert IBAN not in review.html
        assert visitor.post(review.form("/decide"), verdict="approve").status == 200

    await vault.by("lena", edit)
    assert paid(vault) == [("p1", IBAN, 12.0)]


async def test_a_fact_from_the_cache_is_masked_like_the_first(vault: Vault) -> None:
    session, _ = await vault.waiting()
    first = (await asked(vault, "lena"))["shown"]["facts"]
    await vault.propose("seer", session, "staff.pay", person="p1", iban=IBAN, amount=21.0)
    approval = await asked(vault, "lena")
    trace = await vault.read("lena", f"/v1/actions/{approval['action']}/trace")
    assert [read["status"] for read in trace["systems"]] == ["cached"]
    assert approval["shown"]["facts"] == first
    assert not holds(trace)
    records = await vault.read("lena", f"/v1/journal/{approval['action']}")
    assert records["items"][0]["body"]["label"]["confidentiality"] == "restricted"
    assert not holds(records)
