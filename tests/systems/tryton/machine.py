"""Tryton, run as a company's ERP and CRM; its database lies in memory."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from interlock.testing.servers import free_port
from tests.systems.machines import in_memory, installed, kept, run, serving
from tests.systems.tryton import company

DATABASE = "acme"
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
        user, session, *_ = self.ask("common.db.login", "admin", {"password": company.ADMIN})
        text = base64.b64encode(f"admin:{user}:{session}".encode()).decode()
        self._headers["Authorization"] = f"Session {text}"
        self.context: dict[str, Any] = {}

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
        return self.ask(f"model.{name}.{method}", *params, self.context)

    def orders(self, reference: str) -> list[dict[str, Any]]:
        """Return the sales of a *reference*."""
        fields = ["state", "party", "total_amount", "invoice_address"]
        found: list[dict[str, Any]] = self.model(
            "sale.sale", "search_read", [["reference", "=", reference]], 0, 9, None, fields
        )
        return found

    def customer(self, name: str, mail: str, *, city: str = "Town") -> dict[str, Any]:
        """Add a customer with a mail address, and no other address without a *city*; return their number and code."""
        addresses = [["create", [{"street": "Road 5", "city": city}]]] if city else []
        mails = [["create", [{"type": "email", "value": mail}]]]
        customer = {"name": name, "addresses": addresses, "contact_mechanisms": mails}
        made = self.model("party.party", "create", [customer])
        (found,) = self.model("party.party", "read", made, ["code"])
        return dict(found)

    def end_sessions(self) -> None:
        """End every session of the clerk, as Tryton does when a password is set."""
        clerk = self.model("res.user", "search", [["login", "=", company.CLERK]], 0, 1, None)
        self.model("res.user", "write", clerk, {"password": company.PASSWORD})


@contextmanager
def running() -> Iterator[Tryton]:
    """Run Tryton with a company. The first run makes its database, which takes half a minute, and keeps it."""
    programs = installed("tryton")
    with in_memory("tryton") as folder:
        with kept("tryton", f"settled-{company.EDITION}.sqlite") as settled:
            if not settled.exists():
                _make(programs, settled)
            shutil.copyfile(settled, folder / f"{DATABASE}.sqlite")
        with _serving(programs, folder) as port:
            found = Tryton(port)
            found.context = {"company": company.NUMBER}
            yield found


def _make(programs: Path, settled: Path) -> None:
    with in_memory("tryton") as folder:
        database, password = folder / f"{DATABASE}.sqlite", folder / "password"
        database.touch()
        password.write_text(company.ADMIN)
        admin = (str(programs / "trytond-admin"), "--config", str(_configured(folder, free_port())))
        run(
            *(*admin, "--database", DATABASE, "--password", "--email", "admin@acme.example"),
            *("--activate-dependencies", "--update", *MODULES),
            environment={"TRYTONPASSFILE": str(password)},
        )
        with _serving(programs, folder) as port:
            company.settle(Tryton(port))
        for older in settled.parent.glob("settled-*"):
            older.unlink()
        made = settled.with_suffix(".new")
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", [str(made)])
        made.rename(settled)


@contextmanager
def _serving(programs: Path, folder: Path) -> Iterator[int]:
    port = free_port()
    command = [str(programs / "trytond"), "--config", str(_configured(folder, port)), "--database", DATABASE]
    with serving(command, port, folder / "log"):
        yield port


def _configured(folder: Path, port: int) -> Path:
    configuration = folder / "trytond.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    return configuration
