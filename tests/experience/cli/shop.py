"""The first project that `interlock init` writes, served for tests, with keys for its two people."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.journeys.caller import Caller
from tests.journeys.server import Server

SCOPES = {"alex": "act,read", "sam": "act,approve,read,admin"}


class Shop:
    """The running shop. Sam is its lead and administrator, Alex works at the desk."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shop"
        environment = {"INTERLOCK_STATE": str(folder / "state")}
        self.server = Server(self.root, environment=environment, log=folder / "server.log")
        self.keys: dict[str, str] = {}

    def open(self) -> None:
        """Write the project, make the keys, start the server."""
        self.server.command("init", str(self.root))
        self.keys["sam"] = self.server.first_key("person", "sam")
        self.server.start()
        made = self.run("keys", "create", "--kind", "person", "--id", "alex", "--scopes", SCOPES["alex"], by="sam")
        self.keys["alex"] = str(made["text"])

    def command(
        self, *words: str, by: str = "alex", given: str = "", code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a person does; it has to end with *code*."""
        return self.server.command(*words, key=self.keys.get(by, ""), given=given, code=code)

    def run(self, *words: str, by: str = "alex", code: int = 0) -> Any:
        """Return the JSON that a command answers with."""
        return json.loads(self.command(*words, "--json", by=by, code=code).stdout)

    def caller(self, who: str) -> Caller:
        """Return a caller with somebody's key."""
        return self.server.caller(self.keys[who])

    def waiting(self, order: int = 2, amount: float = 60.0, *, words: str = "") -> dict[str, Any]:
        """Return the approval of a refund of Alex's that waits for a lead."""
        opening = {"channel": "test", **({"request": words} if words else {})}
        session = self.caller("alex").post("/v1/sessions", opening)["id"]
        action = self.caller("alex").propose(session, "shop.refund_order", {"order_id": order, "amount": amount})
        assert action["state"] == "waiting", action
        found: dict[str, Any] = self.caller("sam").get(f"/v1/actions/{action['id']}")["approvals"][-1]
        return found

    def order(self, order: int) -> dict[str, Any]:
        """Return an order as the shop's own database holds it."""
        with closing(sqlite3.connect(self.root / "data" / "shop.db")) as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone())

    def change(self, statement: str, *values: Any) -> None:
        """Change the shop's database behind Interlock's back, as the shop itself does."""
        with closing(sqlite3.connect(self.root / "data" / "shop.db")) as connection, connection:
            connection.execute(statement, values)

    def add_order(self, total: float = 500.0, note: str = "") -> int:
        """Return the number of a new order, so that tests do not meet in one."""
        with closing(sqlite3.connect(self.root / "data" / "shop.db")) as connection, connection:
            row = ("Ito", "Sofa", total, note or None)
            cursor = connection.execute("INSERT INTO orders (customer, item, total, note) VALUES (?, ?, ?, ?)", row)
            return int(cursor.lastrowid or 0)


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Open the shop, and close it at the end."""
    shop = Shop(folder)
    try:
        shop.open()
        yield shop
    finally:
        shop.server.kill()
