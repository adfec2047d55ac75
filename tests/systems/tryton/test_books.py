"""Invoices of a real Tryton: orders make them, a lead agrees to each, and each is posted once."""

from __future__ import annotations

import pytest

from interlock.experience.installation import Installation
from interlock.orchestration.approvals.errors import ConsentStale
from tests.systems.relay import Relay
from tests.systems.tryton.desk import GRETA, LENA, Desk
from tests.systems.tryton.machine import Tryton

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
POST = "model.account.invoice.post"


@pytest.fixture
async def books(office: Installation) -> Desk:
    return await Desk.of(office, GRETA, "books")


def posted(tryton: Tryton, invoice: int) -> list[dict[str, object]]:
    """Return the entries in the accounts that an invoice made."""
    origin = [["origin.id", "=", invoice, "account.invoice"]]
    found: list[dict[str, object]] = tryton.model("account.move", "search_read", origin, 0, 9, None, ["state"])
    return found


async def test_an_order_makes_an_invoice_and_a_lead_lets_it_be_posted(books: Desk, desk: Desk, tryton: Tryton) -> None:
    order = await desk.confirmed("I-1")
    (invoice,) = await books.do("find_invoices", order=order["id"])
    assert (invoice["id"], invoice["state"], invoice["number"]) == (order["invoices"][0], "draft", None)
    assert invoice["total_amount"]["decimal"] == "20.00"
    waits = await books.try_("post_invoice", id=invoice["id"])
    assert (waits.state, posted(tryton, invoice["id"])) == ("waiting", [])
    assert (await books.agreed(waits, LENA)).state == "succeeded"
    found = await books.do("get_invoice", id=invoice["id"])
    assert (found["state"], bool(found["number"])) == ("posted", True)
    assert [one["state"] for one in posted(tryton, invoice["id"])] == ["posted"]


async def test_a_lost_answer_is_settled_and_nothing_is_posted_twice(
    books: Desk, desk: Desk, relay: Relay, tryton: Tryton
) -> None:
    order = await desk.confirmed("I-2")
    (invoice,) = order["invoices"]
    relay.lost.add(POST)
    action = await books.agreed(await books.try_("post_invoice", id=invoice))
    assert action.state == "in_doubt"
    assert (await books.office.settlement.settle(action)).state == "succeeded"
    assert relay.calls.count(POST) == 1
    assert len(posted(tryton, invoice)) == 1


async def test_a_posted_invoice_is_not_posted_again(books: Desk, desk: Desk, tryton: Tryton) -> None:
    order = await desk.confirmed("I-3")
    (invoice,) = order["invoices"]
    assert (await books.agreed(await books.try_("post_invoice", id=invoice))).state == "succeeded"
    again = await books.agreed(await books.try_("post_invoice", id=invoice))
    assert again.problem is not None
    assert (again.state, again.problem["code"]) == ("failed", "refused")
    assert len(posted(tryton, invoice)) == 1


async def test_an_agreement_is_for_the_invoice_as_it_was(books: Desk, desk: Desk, relay: Relay, tryton: Tryton) -> None:
    """Somebody posts it in Tryton itself while the lead thinks: there is nothing left to agree to."""
    order = await desk.confirmed("I-4")
    (invoice,) = order["invoices"]
    waits = await books.try_("post_invoice", id=invoice)
    tryton.model("account.invoice", "post", [invoice])
    with pytest.raises(ConsentStale):
        await books.agreed(waits)
    assert relay.calls.count(POST) == 0
    assert len(posted(tryton, invoice)) == 1


async def test_sales_does_not_post(desk: Desk, relay: Relay) -> None:
    order = await desk.confirmed("I-5")
    refused = await desk.at("books").try_("post_invoice", id=order["invoices"][0])
    assert refused.state == "denied"
    assert relay.calls.count(POST) == 0
