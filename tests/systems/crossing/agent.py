"""The agent of the crossing, and what it makes of a ticket: a few lines of Python, where a model could stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.systems.crossing.house import House

WISH = re.compile(r"order (\d+) of (\w+)")
READS = (
    "helpdesk.get_ticket crm.find_customers crm.find_leads erp.find_products erp.get_order ledger.find_postings".split()
)
ONCE = "crm.add_lead crm.qualify crm.convert erp.quote_order ledger.post erp.confirm_order erp.cancel_order".split()


@dataclass(frozen=True)
class Wish:
    """What a ticket comes to: an order in the ERP, the account of its customer, and what it costs."""

    order: int
    account: int
    amount: float


class Agent:
    """Works on one ticket, in a session that Carla opened, by a plan that was fixed before the ticket was read."""

    def __init__(self, house: House, ticket: int) -> None:
        self.house, self.ticket = house, ticket
        plan: list[Any] = [*READS, *({"operation": name, "times": 1} for name in ONCE)]
        plan.append({"operation": "helpdesk.answer", "times": 1, "arguments": {"ticket": ticket}})
        words = f"Make an order of ticket {ticket}, enter it in the ledger, and answer the ticket."
        opened = house.callers["carla"].post("/v1/sessions", {"agent": "orders", "request": words, "plan": plan})
        self.session = str(opened["id"])

    def try_(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Propose a use of an operation and return the action."""
        return self.house.callers["orders"].propose(self.session, operation, arguments)

    def done(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Use an operation that must succeed, and return the action."""
        action = self.try_(operation, **arguments)
        assert action["state"] == "succeeded", action
        return action

    def do(self, operation: str, **arguments: Any) -> Any:
        """Use an operation that must succeed, and return what came of it."""
        return self.done(operation, **arguments)["output"]

    def undo(self, action: dict[str, Any]) -> dict[str, Any]:
        """Take back what an action did, as its operation declares, and return the action that does it."""
        return dict(self.house.callers["orders"].post(f"/v1/actions/{action['id']}/undo"))

    def read(self) -> dict[str, Any]:
        """Read the ticket, find whoever wrote it and what they want, and return how their lead begins."""
        ticket = self.do("helpdesk.get_ticket", id=self.ticket)
        wish = WISH.search(ticket["description"])
        assert wish is not None
        (customer,) = self.do("crm.find_customers", mail=ticket["submitter_email"])
        (product,) = self.do("erp.find_products", code=wish[2])
        goods = {"product": product["id"], "unit": product["sale_uom"], "quantity": int(wish[1])}
        return {"ticket": str(self.ticket), "party": customer["id"], "account": int(customer["code"]), **goods}

    def qualified(self) -> tuple[int, int]:
        """Make an opportunity of the ticket; return its number, and the account of the customer."""
        lead = self.read()
        account = lead.pop("account")
        self.done("crm.add_lead", **lead)
        (found,) = self.do("crm.find_leads", ticket=str(self.ticket))
        self.done("crm.qualify", id=found["id"])
        return found["id"], account

    def drafted(self) -> tuple[dict[str, Any], int]:
        """Make an order of the ticket; return the action that made it, and the account of the customer."""
        opportunity, account = self.qualified()
        return self.done("crm.convert", id=opportunity), account

    def quoted(self) -> tuple[Wish, dict[str, Any]]:
        """Make a quotation of the ticket; return what it comes to, and the action that made it."""
        drafted, account = self.drafted()
        quoted = self.done("erp.quote_order", id=drafted["output"])
        order = self.do("erp.get_order", id=drafted["output"])
        return Wish(order["id"], account, float(order["total_amount"]["decimal"])), quoted

    def post(self, wish: Wish, **other: Any) -> dict[str, Any]:
        """Propose to enter an order in the ledger."""
        posting = {"order_no": wish.order, "account": wish.account, "amount": wish.amount}
        return self.try_("ledger.post", **posting | other)

    def answer(self, text: str, status: int = 4) -> dict[str, Any]:
        """Propose an answer to the ticket, which is closed with it, or left open with the status 1."""
        return self.try_("helpdesk.answer", ticket=self.ticket, text=text, status=status)
