"""Products, a basket and orders of a real django-oscar; its rules, a total that changed, a lost answer."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main
from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.testing.servers import Received, ScriptedServer
from tests.orchestration.desk import person, running
from tests.systems.oscar import machine
from tests.systems.oscar.machine import PASSWORD, Shop
from tests.systems.relay import Relay

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
PROJECT = Path(__file__).parent / "project"
CARLA, LENA = person("carla", "buyer"), person("lena", "lead")
HOUSE = {"first_name": "Ann", "last_name": "Lee", "street": "Road 5", "city": "Town", "postcode": "12345"}
CHECKOUT = "POST /api/checkout/"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with machine.running() as found:
        yield found


def _name(request: Received) -> str:
    return f"{request.method} {request.target}"


@pytest.fixture
async def relay(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    found = Relay(shop.port, _name)
    async with ScriptedServer(found) as listener:
        monkeypatch.setenv("SHOP_URL", listener.url)
        monkeypatch.setenv("INTERLOCK_SECRET_SHOP", PASSWORD)
        yield found


class Desk:
    """Carla at work in one session."""

    def __init__(self, office: Installation, session: str) -> None:
        self.office = office
        self._session = session

    async def try_(self, operation: str, **arguments: Any) -> Action:
        return await self.office.actions.propose(CARLA, Proposal(self._session, f"shop.{operation}", arguments))

    async def do(self, operation: str, **arguments: Any) -> Any:
        action = await self.try_(operation, **arguments)
        assert action.state == "succeeded", (action.problem, action.decision.reasons)
        return action.output

    async def fill(self, quantity: int) -> dict[str, Any]:
        """Put chairs into the basket, and return it."""
        (chair,) = await self.do("list_products")
        await self.do("add_product", product=chair["url"], quantity=quantity)
        basket: dict[str, Any] = await self.do("get_basket")
        return basket


@pytest.fixture
async def desk(relay: Relay, tmp_path: Path) -> AsyncIterator[Desk]:
    root = Path(shutil.copytree(PROJECT, tmp_path / "project"))
    async with running(root) as composed:
        office = composed.installation
        session = await office.sessions.open(CARLA, Opening(request="Order chairs"))
        yield Desk(office, session.id)


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


async def test_an_order_from_product_to_checkout(desk: Desk, shop: Shop) -> None:
    before = shop.promised()
    basket = await desk.fill(2)
    assert (basket["total_incl_tax"], shop.orders(basket["url"])) == ("20.00", [])
    order = await desk.do("place_order", basket=basket["url"], total="20.00", **HOUSE)
    (found,) = shop.orders(basket["url"])
    assert (order["number"], order["status"]) == (found["number"], "new")
    assert (found["total_incl_tax"], shop.promised()) == (20, before + 2)
    assert order["number"] in [one["number"] for one in await desk.do("list_orders")]
    assert (await desk.do("get_basket"))["total_incl_tax"] == "0.00"


async def test_the_shops_rules_refuse_and_nothing_is_in_doubt(desk: Desk, shop: Shop) -> None:
    (chair,) = await desk.do("list_products")
    left = await desk.do("get_availability", id=chair["id"])
    many = await desk.try_("add_product", product=chair["url"], quantity=left + 1)
    assert many.problem is not None
    assert (many.state, many.problem["code"], many.problem["status"]) == ("failed", "refused", 406)
    basket = await desk.fill(1)
    wrong = await desk.try_("place_order", basket=basket["url"], total="9.00", **HOUSE)
    assert wrong.problem is not None
    assert (wrong.state, wrong.problem["status"], shop.orders(basket["url"])) == ("failed", 406, [])
    await desk.do("place_order", basket=basket["url"], total="10.00", **HOUSE)
    again = await desk.try_("place_order", basket=basket["url"], total="10.00", **HOUSE)
    assert (again.state, len(shop.orders(basket["url"]))) == ("failed", 1)


async def test_a_large_order_waits_for_a_lead(desk: Desk, shop: Shop) -> None:
    basket = await desk.fill(6)
    waits = await desk.try_("place_order", basket=basket["url"], total="60.00", **HOUSE)
    assert (waits.state, shop.orders(basket["url"])) == ("waiting", [])
    (approval,) = await desk.office.approvals.of_action(waits.id)
    await desk.office.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)
    assert (await desk.office.actions.get(waits.id, CARLA)).state == "succeeded"
    assert len(shop.orders(basket["url"])) == 1


async def test_a_lost_answer_is_settled_by_reading_back(desk: Desk, relay: Relay, shop: Shop) -> None:
    basket = await desk.fill(1)
    relay.lost.add(CHECKOUT)
    action = await desk.try_("place_order", basket=basket["url"], total="10.00", **HOUSE)
    assert action.state == "in_doubt"
    settled = await desk.office.settlement.settle(action)
    (found,) = shop.orders(basket["url"])
    assert (settled.state, settled.output["number"]) == ("succeeded", found["number"])
    assert relay.calls.count(CHECKOUT) == 1
    kinds = [record.kind for record in await desk.office.journal.show(action.id, tenant="acme")]
    assert kinds.index("action.in_doubt") < kinds.index("action.succeeded")


async def test_the_system_is_there(desk: Desk) -> None:
    assert (await desk.office.systems.probe("shop")).succeeded
