"""Leads of a real Tryton: found by a mail address, qualified, made into an order, won or lost with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.systems.relay import Relay
from tests.systems.tryton.desk import CARLA, Desk
from tests.systems.tryton.machine import Tryton

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
MODEL = "model.sale.opportunity."


async def lead(desk: Desk, tryton: Tryton, reference: str) -> dict[str, Any]:
    """Return what is needed to note that a customer of a mail address wants five chairs."""
    mail = f"{reference.lower()}@there.example"
    tryton.customer(f"Customer of {reference}", mail)
    (customer,) = await desk.at("crm").do("find_customers", mail=mail)
    (product,) = await desk.do("find_products", code="C1")
    wanted = {"product": product["id"], "unit": product["sale_uom"], "quantity": 5}
    return {"party": customer["id"], "reference": reference, "description": "Five chairs, please", **wanted}


def leads(tryton: Tryton, reference: str) -> list[dict[str, Any]]:
    fields = ["state", "party", "sales"]
    found: list[dict[str, Any]] = tryton.model(
        "sale.opportunity", "search_read", [["reference", "=", reference]], 0, 9, None, fields
    )
    return found


async def test_a_lead_becomes_an_order_of_its_customer(desk: Desk, tryton: Tryton) -> None:
    crm, wanted = desk.at("crm"), await lead(desk, tryton, "L-1")
    number = await crm.do("add_lead", **wanted)
    await crm.do("qualify", id=number)
    order = await crm.do("convert", id=number)
    (found,) = leads(tryton, "L-1")
    assert (found["state"], found["sales"], found["party"]) == ("converted", [order], wanted["party"])
    sale = await desk.do("get_order", id=order)
    assert (sale["state"], sale["party"], sale["total_amount"]["decimal"]) == ("draft", wanted["party"], "50.00")
    await desk.do("quote_order", id=order)
    await desk.do("confirm_order", id=order)
    assert (await crm.do("get_lead", id=number))["state"] == "won"


async def test_an_opportunity_is_lost_with_its_order(desk: Desk, tryton: Tryton) -> None:
    crm = desk.at("crm")
    number = await crm.do("add_lead", **await lead(desk, tryton, "L-2"))
    await crm.do("qualify", id=number)
    converted = await crm.try_("convert", id=number)
    await desk.office.actions.undo(converted.id, CARLA)
    assert (await desk.do("get_order", id=converted.output))["state"] == "cancelled"
    assert (await crm.do("get_lead", id=number))["state"] == "lost"


async def test_a_lead_that_nobody_qualified_makes_no_order(desk: Desk, tryton: Tryton) -> None:
    crm = desk.at("crm")
    number = await crm.do("add_lead", **await lead(desk, tryton, "L-3"))
    refused = await crm.try_("convert", id=number)
    assert refused.problem is not None
    assert (refused.state, refused.problem["code"]) == ("failed", "refused")
    assert leads(tryton, "L-3")[0]["sales"] == []


async def test_lost_answers_are_settled_by_reading_back(desk: Desk, relay: Relay, tryton: Tryton) -> None:
    crm = desk.at("crm")
    relay.lost |= {f"{MODEL}create", f"{MODEL}convert"}
    added = await crm.try_("add_lead", **await lead(desk, tryton, "L-4"))
    assert added.state == "in_doubt"
    settled = await desk.office.settlement.settle(added)
    (found,) = leads(tryton, "L-4")
    assert (settled.state, settled.output) == ("succeeded", found["id"])
    await crm.do("qualify", id=found["id"])
    converted = await crm.try_("convert", id=found["id"])
    assert converted.state == "in_doubt"
    settled = await desk.office.settlement.settle(converted)
    (found,) = leads(tryton, "L-4")
    assert (settled.state, [settled.output]) == ("succeeded", found["sales"])
    assert [relay.calls.count(f"{MODEL}{verb}") for verb in ("create", "convert")] == [1, 1]
