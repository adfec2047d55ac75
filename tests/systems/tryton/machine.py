"""Tryton: a company's ERP with customers, a product and a clerk's account, its database in memory."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from interlock.testing.servers import free_port
from tests.systems.machines import in_memory, installed, kept, run, serving

DATABASE, ADMIN = "acme", "password-of-the-administrator"
CLERK, PASSWORD = "interlock", "hidden-password-of-the-clerk"
MODULES = "party product sale stock account account_invoice purchase sale_opportunity".split()
CONFIGURATION = """
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
"""


class Refused(AssertionError):
    """Tryton did not do what its administrator asked for."""


class Tryton:
    """The running system, as its administrator uses it: the tests' own way to look at what was done."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/{DATABASE}/rpc/"
        self._headers = {"Content-Type": "application/json"}
        user, session, *_ = self.ask("common.db.login", "admin", {"password": ADMIN})
        text = base64.b64encode(f"admin:{user}:{session}".encode()).decode()
        self._headers["Authorization"] = f"Session {text}"
        self._context: dict[str, Any] = {}

    def ask(self, method: str, *params: Any) -> Any:
        """Return what *method* returns. Raises `Refused`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps({"id": 1, "method": method, "params": params})
            connection.request("POST", f"/{DATABASE}/rpc/", body, {**self._headers, "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        reply = json.loads(content) if answer.status == 200 else {"error": answer.status}
        if "error" in reply:
            raise Refused(f"{method}: {reply['error']}")
        return reply["result"]

    def model(self, name: str, method: str, *params: Any) -> Any:
        """Return what a *method* of a model returns."""
        return self.ask(f"model.{name}.{method}", *params, self._context)

    def orders(self, reference: str) -> list[dict[str, Any]]:
        """Return the sales of a *reference*."""
        fields = ["state", "party", "total_amount", "invoice_address"]
        found: list[dict[str, Any]] = self.model(
            "sale.sale", "search_read", [["reference", "=", reference]], 0, 9, None, fields
        )
        return found

    def end_sessions(self) -> None:
        """End every session of the clerk, as Tryton does when a password is set."""
        clerk = self.model("res.user", "search", [["login", "=", CLERK]], 0, 1, None)
        self.model("res.user", "write", clerk, {"password": PASSWORD})

    def settle_in(self) -> None:
        """Make the company, its product and the clerk's account."""
        groups = self.model("res.group", "search", [], 0, 200, None)
        self.model("res.user", "write", [1], {"groups": [["add", groups]]})
        rate = {"rate": decimal("1"), "date": {"__class__": "date", "year": 2020, "month": 1, "day": 1}}
        euro = {"name": "Euro", "code": "EUR", "symbol": "E", "digits": 2, "rates": [["create", [rate]]]}
        (currency,) = self.model("currency.currency", "create", [euro])
        (house,) = self.model("party.party", "create", [{"name": "Acme"}])
        (company,) = self.model("company.company", "create", [{"party": house, "currency": currency}])
        works = {"companies": [["add", [company]]], "company": company}
        self.model("res.user", "write", [1], works)
        self._context = {"company": company}
        clerk = {"name": "Interlock", "login": CLERK, "password": PASSWORD, "groups": [["add", groups]], **works}
        self.model("res.user", "create", [clerk])
        unit = self.model("product.uom", "search", [["name", "=", "Unit"]], 0, 1, None)[0]
        chair = {
            "name": "Chair",
            "type": "goods",
            "default_uom": unit,
            "salable": True,
            "sale_uom": unit,
            "list_price": decimal("10.00"),
            "products": [["create", [{"suffix_code": "C1"}]]],
        }
        self.model("product.template", "create", [chair])


def decimal(text: str) -> dict[str, str]:
    """Return a decimal number as Tryton writes it in JSON."""
    return {"__class__": "Decimal", "decimal": text}


@contextmanager
def running() -> Iterator[Tryton]:
    """Run Tryton with a company; the first run makes an empty database, which takes half a minute, and keeps it."""
    programs = installed("tryton")
    with in_memory("tryton") as folder:
        port = free_port()
        configuration = folder / "trytond.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
        database = folder / f"{DATABASE}.sqlite"
        with kept("tryton", "empty.sqlite") as empty:
            if not empty.exists():
                _make(programs, configuration, database)
                shutil.copyfile(database, empty.with_suffix(".new"))
                empty.with_suffix(".new").rename(empty)
            shutil.copyfile(empty, database)
        command = [str(programs / "trytond"), "--config", str(configuration), "--database", DATABASE]
        with serving(command, port, folder / "log"):
            found = Tryton(port)
            found.settle_in()
            yield found


def _make(programs: Path, configuration: Path, database: Path) -> None:
    database.touch()
    password = database.with_name("password")
    password.write_text(ADMIN)
    run(
        *(str(programs / "trytond-admin"), "--config", str(configuration), "--database", DATABASE, "--password"),
        *("--email", "admin@acme.example", "--activate-dependencies", "--update", *MODULES),
        environment={"TRYTONPASSFILE": str(password)},
    )
