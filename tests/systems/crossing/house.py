"""The house of the crossing: four systems, Interlock in front of them, its people, and an agent that works for Carla."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.caller import Caller
from tests.journeys.server import Server
from tests.systems.helpdesk import machine as helpdesk_machine
from tests.systems.helpdesk.machine import Helpdesk
from tests.systems.tryton import company, machine
from tests.systems.tryton.machine import Tryton

PROJECT = Path(__file__).parent / "project"
HOLDERS = {"carla": "person", "greta": "person", "lena": "person", "orders": "agent"}
WISH = re.compile(r"order (\d+) of (\w+)")


class Ledger:
    """The COBOL program, as bookkeeping used it before there was anything in front of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self) -> None:
        """Compile it."""
        words = ["cobc", "-x", "-I", str(self._folder.parent / "copybooks"), "-o", "ledger", "ledger.cob"]
        subprocess.run(words, cwd=self._folder, check=True, capture_output=True)

    def open(self, account: int) -> None:
        """Open an account."""
        assert self._run("OPEN", 0, account)[0] == 0

    def posted(self, order: int) -> tuple[int, float] | None:
        """Return account and amount of what was posted for an order."""
        code, reply = self._run("LOOK", order)
        assert code in (0, 4)
        return None if code else (int(reply[8:14]), int(reply[14:26]) / 100)

    @contextmanager
    def spoilt(self) -> Iterator[None]:
        """Put something else in the place of its file of accounts for a while."""
        file, aside = self._folder / "accounts.idx", self._folder / "accounts.aside"
        file.rename(aside)
        file.write_bytes(b"not an indexed file\n")
        try:
            yield
        finally:
            aside.replace(file)

    def _run(self, verb: str, order: int, account: int = 0) -> tuple[int, str]:
        request = f"{verb}{order:08}{account:06}+{0:011}\n"
        done = subprocess.run(
            ["./ledger"], cwd=self._folder, input=request, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout


@dataclass(frozen=True)
class House:
    """Everything that runs. *callers* maps whoever holds a key to a caller with it."""

    helpdesk: Helpdesk
    tryton: Tryton
    ledger: Ledger
    server: Server
    callers: dict[str, Caller]

    def customer(self, mail: str) -> int:
        """Add a customer to the CRM, with an account in the ledger; return the account's number."""
        account = int(self.tryton.customer(f"Customer {mail}", mail)["code"])
        self.ledger.open(account)
        return account

    def order(self, number: int) -> str:
        """Return the state of an order in the ERP."""
        return str(self.tryton.model("sale.sale", "read", [number], ["state"])[0]["state"])

    def orders(self, ticket: int) -> list[dict[str, Any]]:
        """Return the leads that came of a ticket, with their orders."""
        wanted = [["reference", "=", str(ticket)]]
        found = self.tryton.model("sale.opportunity", "search_read", wanted, 0, 9, None, ["state", "sales"])
        return list(found)

    def approved(self, action: dict[str, Any], by: str) -> dict[str, Any]:
        """Let somebody agree to an action, and return what came of it."""
        caller = self.callers[by]
        (asked,) = [one for one in caller.action(action["id"])["approvals"] if one["state"] == "pending"]
        verdict = {"verdict": "approve", "consent": asked["consent"]}
        caller.post(f"/v1/approvals/{asked['id']}/decide", verdict)
        return caller.action(action["id"])

    def confirmed(self, action: dict[str, Any]) -> dict[str, Any]:
        """Let Carla confirm her own action, and return what came of it."""
        found = self.callers["carla"].post(f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]})
        return dict(found)

    def journal(self, session: str) -> list[dict[str, Any]]:
        """Return the records of a session, oldest first, as `interlock journal search` reads them."""
        words = ("journal", "search", "--session", session, "--limit", "500", "--json")
        items = json.loads(self.server.command(*words).stdout)["items"]
        return list(reversed(items))


@dataclass(frozen=True)
class Wish:
    """What a ticket comes to: an order in the ERP, the account of its customer, and what it costs."""

    order: int
    account: int
    amount: float


class Agent:
    """Works on one ticket, in a session that Carla opened for it, by a plan that was fixed before the ticket was read."""

    def __init__(self, house: House, ticket: int) -> None:
        self.house, self.ticket = house, ticket
        plan = [
            "helpdesk.get_ticket",
            *("crm.find_customers", "crm.find_leads", "erp.find_products", "erp.get_order", "ledger.get_posting"),
            *({"operation": f"crm.{name}", "times": 1} for name in ("add_lead", "qualify", "convert")),
            *({"operation": name, "times": 1} for name in ("erp.quote_order", "ledger.post", "erp.confirm_order")),
            {"operation": "helpdesk.answer", "times": 1, "arguments": {"ticket": ticket}},
        ]
        words = f"Make an order of ticket {ticket}, enter it in the ledger, and answer the ticket."
        opened = house.callers["carla"].post("/v1/sessions", {"agent": "orders", "request": words, "plan": plan})
        self.session = str(opened["id"])

    def try_(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Propose a use of an operation and return the action."""
        return self.house.callers["orders"].propose(self.session, operation, arguments)

    def do(self, operation: str, **arguments: Any) -> Any:
        """Use an operation that must succeed and return what came of it."""
        action = self.try_(operation, **arguments)
        assert action["state"] == "succeeded", action
        return action["output"]

    def undo(self, action: dict[str, Any]) -> dict[str, Any]:
        """Take back what an action did, as its operation declares, and return the action that does it."""
        return dict(self.house.callers["orders"].post(f"/v1/actions/{action['id']}/undo"))

    def noted(self) -> int:
        """Read the ticket, find whoever wrote it, note what they want, and return the number of the opportunity."""
        ticket = self.do("helpdesk.get_ticket", id=self.ticket)
        wish = WISH.search(ticket["description"])
        assert wish is not None
        (customer,) = self.do("crm.find_customers", mail=ticket["submitter_email"])
        (product,) = self.do("erp.find_products", code=wish[2])
        wanted = {"party": customer["id"], "product": product["id"], "unit": product["sale_uom"]}
        self.do("crm.add_lead", ticket=str(self.ticket), quantity=int(wish[1]), **wanted)
        (lead,) = self.do("crm.find_leads", ticket=str(self.ticket))
        self.do("crm.qualify", id=lead["id"])
        return int(lead["id"])

    def quoted(self) -> tuple[Wish, dict[str, Any]]:
        """Make a quotation of the ticket; return it, and the action that an undo would take it back with."""
        order = self.do("crm.convert", id=self.noted())
        quoted = self.try_("erp.quote_order", id=order)
        assert quoted["state"] == "succeeded", quoted
        sale = self.do("erp.get_order", id=order)
        ticket = self.do("helpdesk.get_ticket", id=self.ticket)
        (customer,) = self.do("crm.find_customers", mail=ticket["submitter_email"])
        return Wish(order, int(customer["code"]), float(sale["total_amount"]["decimal"])), quoted

    def post(self, wish: Wish, **other: Any) -> dict[str, Any]:
        """Propose to enter an order in the ledger."""
        return self.try_("ledger.post", **{"order_no": wish.order, "account": wish.account, "amount": wish.amount} | other)

    def answer(self, text: str, status: int = 4) -> dict[str, Any]:
        """Propose an answer to the ticket."""
        return self.try_("helpdesk.answer", ticket=self.ticket, text=text, status=status)


@contextmanager
def running(folder: Path, tryton: Tryton, helpdesk: Helpdesk) -> Iterator[House]:
    """Build the ledger, start Interlock in front of the four systems, and give everybody a key."""
    root = Path(shutil.copytree(PROJECT, folder / "project"))
    ledger = Ledger(root / "legacy")
    ledger.build()
    environment = {
        "INTERLOCK_STATE": str(folder / "state"),
        "HELPDESK_URL": helpdesk.url,
        "TRYTON_URL": tryton.url,
        "INTERLOCK_SECRET_HELPDESK": helpdesk_machine.PASSWORD,
        "INTERLOCK_SECRET_ERP": company.PASSWORD,
        "INTERLOCK_SECRET_CRM": company.CRM_PASSWORD,
    }
    server = Server(root, environment=environment, log=folder / "server.log")
    first = server.caller(server.first_key("person", "ada"))
    server.start()
    try:
        callers = {}
        for name, kind in HOLDERS.items():
            scopes = ["act", "approve", "read"] if kind == "person" else ["act"]
            made = first.post("/v1/keys", {"kind": kind, "id": name, "scopes": scopes})
            callers[name] = server.caller(made["text"])
        yield House(helpdesk, tryton, ledger, server, callers)
    finally:
        server.kill()


@contextmanager
def systems(*, mail: bool) -> Iterator[tuple[Tryton, Helpdesk]]:
    """Run Tryton and a helpdesk, whose mail server is away without *mail*."""
    with machine.running() as tryton, helpdesk_machine.running(mail=mail) as helpdesk:
        yield tryton, helpdesk
