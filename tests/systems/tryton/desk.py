"""Somebody at work at one of the company's desks, in one session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.values.principals import Principal
from tests.orchestration.desk import person

CARLA, WIM = person("carla", "sales", "staff"), person("wim", "warehouse", "staff")
GRETA, LENA = person("greta", "books", "staff"), person("lena", "lead")


@dataclass(frozen=True, slots=True)
class Desk:
    """*who* at work in a *session*, in one *system*."""

    office: Installation
    who: Principal
    session: str
    system: str = "erp"

    @classmethod
    async def of(cls, office: Installation, who: Principal, system: str = "erp") -> Desk:
        """Return a desk in a session of its own."""
        session = await office.sessions.open(who, Opening(request="Keep the orders"))
        return cls(office, who, session.id, system)

    def at(self, system: str) -> Desk:
        """Return the same person in the same session, in another system."""
        return replace(self, system=system)

    async def try_(self, operation: str, **arguments: Any) -> Action:
        """Propose a use of an operation and return the action."""
        proposal = Proposal(self.session, f"{self.system}.{operation}", arguments)
        return await self.office.actions.propose(self.who, proposal)

    async def do(self, operation: str, **arguments: Any) -> Any:
        """Use an operation that must succeed and return what came of it."""
        action = await self.try_(operation, **arguments)
        assert action.state == "succeeded", (action.problem, action.decision.reasons)
        return action.output

    async def agreed(self, action: Action, who: Principal = LENA) -> Action:
        """Let somebody agree to an action that waits for approval, and return what came of it."""
        assert action.state == "waiting", (action.state, action.problem, action.decision.reasons)
        (approval,) = await self.office.approvals.of_action(action.id)
        await self.office.approvals.decide(Verdict(approval.id, True, approval.consent), who)
        return await self.office.actions.get(action.id, self.who)

    async def order(
        self, reference: str, *, quantity: int = 2, customer: str = "", product: str = "C1"
    ) -> tuple[int, int]:
        """Draft an order for a new customer; return its number and the number of the customer's address."""
        name = customer or f"Customer of {reference}"
        party = await self.do("add_party", name=name, street="Road 5", city="Town")
        found = await self.do("find_parties", name=name)
        assert [one["id"] for one in found] == [party]
        (goods,) = await self.do("find_products", code=product)
        drafted = {"product": goods["id"], "unit": goods["sale_uom"], "unit_price": "10.00"}
        number = await self.do("draft_order", party=party, quantity=quantity, reference=reference, **drafted)
        return number, found[0]["addresses"][0]

    async def confirmed(self, reference: str, *, quantity: int = 2, product: str = "C1") -> dict[str, Any]:
        """Return an order that was quoted and confirmed: goods wait to be shipped, and an invoice to be posted."""
        number, address = await self.order(reference, quantity=quantity, product=product)
        await self.do("set_address", id=number, address=address)
        await self.do("quote_order", id=number)
        await self.do("confirm_order", id=number)
        found: dict[str, Any] = await self.do("get_order", id=number)
        return found
