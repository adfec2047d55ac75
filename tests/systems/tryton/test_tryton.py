"""Customers, products and orders of a real Tryton through the whole path; its rules, lost answers and sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.app.main import main
from interlock.experience.installation import Installation
from tests.orchestration.desk import running
from tests.systems.relay import Relay
from tests.systems.tryton.conftest import PROJECT
from tests.systems.tryton.desk import CARLA, Desk
from tests.systems.tryton.machine import Tryton

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


async def test_an_order_from_customer_to_quotation(desk: Desk, tryton: Tryton) -> None:
    number, address = await desk.order("A-1")
    order = await desk.do("get_order", id=number)
    assert (order["state"], order["total_amount"]["decimal"]) == ("draft", "20.00")
    await desk.do("set_address", id=number, address=address)
    await desk.do("quote_order", id=number)
    (found,) = tryton.orders("A-1")
    assert (found["id"], found["state"], found["invoice_address"]) == (number, "quotation", address)


async def test_a_business_rule_refuses_and_nothing_is_in_doubt(desk: Desk, tryton: Tryton) -> None:
    """Tryton makes no quotation without an address for the invoice, and says so with the customer's order in it."""
    number, address = await desk.order("B-1")
    refused = await desk.try_("quote_order", id=number)
    assert refused.state == "failed"
    assert refused.problem is not None
    assert refused.problem["code"] == "refused"
    assert refused.problem["system"] == {"code": "UserError"}
    assert "invoice address" not in str(refused.problem), "a system's sentences may repeat data"
    assert tryton.orders("B-1")[0]["state"] == "draft"
    await desk.do("set_address", id=number, address=address)
    await desk.do("quote_order", id=number)
    assert tryton.orders("B-1")[0]["state"] == "quotation"


async def test_a_large_quotation_waits_for_a_lead(desk: Desk, tryton: Tryton) -> None:
    number, address = await desk.order("C-1", quantity=51)
    await desk.do("set_address", id=number, address=address)
    waits = await desk.try_("quote_order", id=number)
    assert waits.state == "waiting"
    assert tryton.orders("C-1")[0]["state"] == "draft"
    assert (await desk.agreed(waits)).state == "succeeded"
    assert tryton.orders("C-1")[0]["state"] == "quotation"


async def test_an_undo_cancels_the_order(office: Installation, desk: Desk, tryton: Tryton) -> None:
    party = await desk.do("add_party", name="Undone", city="Town")
    (product,) = await desk.do("find_products", code="C1")
    drafted = {"product": product["id"], "unit": product["sale_uom"], "unit_price": "10.00"}
    action = await desk.try_("draft_order", party=party, quantity=1, reference="D-1", **drafted)
    await office.actions.undo(action.id, CARLA)
    assert tryton.orders("D-1")[0]["state"] == "cancelled"


async def test_a_lost_answer_is_settled_by_reading_back(
    office: Installation, desk: Desk, relay: Relay, tryton: Tryton
) -> None:
    party = await desk.do("add_party", name="Lost", city="Town")
    (product,) = await desk.do("find_products", code="C1")
    drafted = {"product": product["id"], "unit": product["sale_uom"], "unit_price": "10.00"}
    relay.lost.add("model.sale.sale.create")
    action = await desk.try_("draft_order", party=party, quantity=1, reference="E-1", **drafted)
    assert action.state == "in_doubt"
    settled = await office.settlement.settle(action)
    assert (settled.state, settled.output) == ("succeeded", tryton.orders("E-1")[0]["id"])
    assert relay.calls.count("model.sale.sale.create") == 1
    assert len(tryton.orders("E-1")) == 1


async def test_a_session_that_ended_is_begun_again_and_the_write_made_once(
    desk: Desk, relay: Relay, tryton: Tryton
) -> None:
    await desk.order("F-1")
    assert relay.calls.count("common.db.login") == 1
    tryton.end_sessions()
    party = await desk.do("add_party", name="After the session", city="Town")
    assert relay.calls.count("common.db.login") == 2
    assert [one["id"] for one in await desk.do("find_parties", name="After the session")] == [party]


async def test_wrong_credentials_are_tried_once(relay: Relay, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_SECRET_ERP", "wrong-password")
    async with running(root) as composed:
        desk = await Desk.of(composed.installation, CARLA)
        for _ in range(2):
            action = await desk.try_("find_parties", name="Acme")
            assert action.state == "failed"
            assert action.problem is not None
            assert action.problem["code"] == "access_denied"
    assert relay.calls == ["common.db.login"]


async def test_what_tryton_does_not_know_is_said_so(desk: Desk, relay: Relay) -> None:
    relay.calls.clear()
    missing = await desk.try_("get_order", id=99_999)
    assert missing.problem is not None
    assert (missing.state, missing.problem["code"], missing.problem["system"]) == (
        "failed",
        "refused",
        {"code": "UserError"},
    )
    assert await desk.do("find_parties", name="Nobody at all") == []
    assert relay.calls == ["common.db.login", "model.sale.sale.read", "model.party.party.search_read"]


async def test_the_same_system_by_xml_rpc(relay: Relay, root: Path, tryton: Tryton) -> None:
    """Where JSON has an object for a decimal, XML-RPC has an extension, and faults have numbers instead of names."""
    file = root / "systems" / "erp.yaml"
    text = file.read_text("utf-8")
    for old, new in (
        ("protocol: jsonrpc-1.0", "protocol: xmlrpc"),
        ("[UserError, UserWarning, ConcurrencyException]", "[1, 2, 4]"),
        ("{type: object, properties: {decimal: {type: string}}, required: [decimal]}", "{type: string}"),
        ("facts.order.total_amount.decimal", "facts.order.total_amount"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    async with running(root) as composed:
        office = composed.installation
        desk = await Desk.of(office, CARLA)
        number, address = await desk.order("X-1")
        assert (await desk.do("get_order", id=number))["total_amount"] == "20.00"
        refused = await desk.try_("quote_order", id=number)
        assert refused.problem is not None
        assert (refused.state, refused.problem["code"], refused.problem["fault"]) == ("failed", "refused", 1)
        await desk.do("set_address", id=number, address=address)
        tryton.end_sessions()
        await desk.do("quote_order", id=number)
        assert (await office.systems.probe("erp")).succeeded
    assert tryton.orders("X-1")[0]["state"] == "quotation"
    assert relay.calls.count("common.db.login") == 2


async def test_the_system_is_there(office: Installation) -> None:
    assert (await office.systems.probe("erp")).succeeded
