"""Stock and shipments of a real Tryton; where something is missing it answers as if all were well."""

from __future__ import annotations

import pytest

from interlock.experience.installation import Installation
from tests.systems.relay import Relay
from tests.systems.tryton.company import STORED
from tests.systems.tryton.desk import LENA, WIM, Desk
from tests.systems.tryton.machine import Tryton

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
VERB = "model.stock.shipment.out."


@pytest.fixture
async def store(office: Installation) -> Desk:
    return await Desk.of(office, WIM, "warehouse")


def shipments(tryton: Tryton, order: dict[str, object]) -> list[str]:
    found = tryton.model("stock.shipment.out", "read", order["shipments"], ["state"])
    return [one["state"] for one in found]


async def there(office: Installation, code: str) -> tuple[float, float]:
    """Return how much of a product lies in the store, and how much of that nobody has been promised."""
    store = await Desk.of(office, WIM, "warehouse")
    (product,) = await store.at("erp").do("find_products", code=code)
    (place,) = await store.do("find_locations", code="STO")
    stock = await store.do("get_stock", product=product["id"], location=place["id"])
    return stock["quantity"], stock["forecast_quantity"]


async def test_an_order_leaves_the_store_step_by_step(store: Desk, desk: Desk, tryton: Tryton) -> None:
    quantity, promised = await there(store.office, "C1")
    order = await desk.confirmed("W-1", quantity=3)
    (shipment,) = order["shipments"]
    assert (await store.do("get_shipment", id=shipment))["state"] == "waiting"
    assert await there(store.office, "C1") == (quantity, promised - 3)
    for verb, state in (("assign", "assigned"), ("pick", "picked"), ("pack", "packed")):
        await store.do(verb, id=shipment)
        assert shipments(tryton, order) == [state]
    assert await there(store.office, "C1") == (quantity - 3, promised - 3)
    waits = await store.try_("ship", id=shipment)
    assert (waits.state, shipments(tryton, order)) == ("waiting", ["packed"])
    sent = await store.office.waiting.confirm(waits.id, WIM, consent=waits.consent)
    assert (sent.state, shipments(tryton, order)) == ("succeeded", ["shipped"])
    await store.do("finish", id=shipment)
    assert shipments(tryton, order) == ["done"]


async def test_what_is_not_there_is_not_set_aside(store: Desk, desk: Desk, relay: Relay, tryton: Tryton) -> None:
    assert (await there(store.office, "D1"))[0] == 0
    order = await desk.confirmed("W-2", product="D1")
    (shipment,) = order["shipments"]
    refused = await store.try_("assign", id=shipment)
    assert refused.state == "denied"
    assert [(one.rule, one.text) for one in refused.decision.reasons] == [
        ("nothing-from-nowhere", "There is not enough of it in the store")
    ]
    assert relay.calls.count(f"{VERB}assign_try") == 0
    assert tryton.model("stock.shipment.out", "assign_try", [shipment]) is None, "Tryton itself says nothing of it"
    assert shipments(tryton, order) == ["waiting"]


async def test_more_than_there_is_is_not_set_aside(store: Desk, desk: Desk) -> None:
    number, address = await desk.order("W-3", quantity=STORED)
    await desk.do("set_address", id=number, address=address)
    assert (await desk.agreed(await desk.try_("quote_order", id=number), LENA)).state == "succeeded"
    await desk.do("confirm_order", id=number)
    (shipment,) = (await desk.do("get_order", id=number))["shipments"]
    one = await desk.confirmed("W-4", quantity=1)
    await store.do("assign", id=one["shipments"][0])
    refused = await store.try_("assign", id=shipment)
    assert refused.state == "denied"


async def test_a_step_out_of_turn_is_refused_by_tryton(store: Desk, desk: Desk, tryton: Tryton) -> None:
    order = await desk.confirmed("W-5")
    (shipment,) = order["shipments"]
    refused = await store.try_("pick", id=shipment)
    assert refused.problem is not None
    assert (refused.state, refused.problem["code"]) == ("failed", "refused")
    assert shipments(tryton, order) == ["waiting"]


async def test_what_was_set_aside_is_given_back(store: Desk, desk: Desk, tryton: Tryton) -> None:
    order = await desk.confirmed("W-6")
    action = await store.try_("assign", id=order["shipments"][0])
    assert shipments(tryton, order) == ["assigned"]
    await store.office.actions.undo(action.id, WIM)
    assert shipments(tryton, order) == ["waiting"]


async def test_goods_are_handed_over_once_though_the_answer_is_lost(
    store: Desk, desk: Desk, relay: Relay, tryton: Tryton
) -> None:
    order = await desk.confirmed("W-7")
    (shipment,) = order["shipments"]
    for verb in ("assign", "pick", "pack"):
        await store.do(verb, id=shipment)
    relay.lost.add(f"{VERB}ship")
    waits = await store.try_("ship", id=shipment)
    action = await store.office.waiting.confirm(waits.id, WIM, consent=waits.consent)
    assert action.state == "in_doubt"
    assert (await store.office.settlement.settle(action)).state == "succeeded"
    assert relay.calls.count(f"{VERB}ship") == 1
    assert shipments(tryton, order) == ["shipped"]
