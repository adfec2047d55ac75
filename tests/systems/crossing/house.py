"""The house of the crossing: four systems, Interlock in front of them, and people."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.caller import Caller, Lost
from tests.journeys.process import until
from tests.journeys.server import Server
from tests.systems.helpdesk import machine as helpdesk_machine
from tests.systems.helpdesk.machine import Helpdesk
from tests.systems.tryton import company
from tests.systems.tryton.machine import Tryton

PROJECT = Path(__file__).parent / "project"
MUTE = """\
#!/bin/sh
IFS= read -r request
case "$request" in
    POST*) echo "$request" | ./ledger.real >/dev/null; exit 70 ;;
    *) echo "$request" | ./ledger.real ;;
esac
"""
HOLDERS = {"carla": "person", "greta": "person", "lena": "person", "orders": "agent"}


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

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Let it fail for a while after each posting that it has made."""
        program, aside = self._folder / "ledger", self._folder / "ledger.real"
        program.rename(aside)
        program.write_text(MUTE, "utf-8")
        program.chmod(0o755)
        try:
            yield
        finally:
            aside.replace(program)

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

    def customer(self, mail: str, *, city: str = "Town") -> int:
        """Add a customer to the CRM and return the number that their account in the ledger has."""
        return int(self.tryton.customer(f"Customer {mail}", mail, city=city)["code"])

    def ticket(self, title: str, text: str = "Hello, please order 400 of C1.", *, mail: str = "") -> int:
        """Let a customer who is known, and has an account, write a ticket; return its number."""
        if not mail:
            mail = f"{title}@there.example"
            self.ledger.open(self.customer(mail))
        return self.helpdesk.receive(title, text, mail)

    def order(self, number: int) -> str:
        """Return the state of an order in the ERP."""
        return str(self.tryton.model("sale.sale", "read", [number], ["state"])[0]["state"])

    def leads(self, ticket: int) -> list[str]:
        """Return the states of the leads that came of a ticket."""
        wanted = [["reference", "=", str(ticket)]]
        found = self.tryton.model("sale.opportunity", "search_read", wanted, 0, 9, None, ["state"])
        return [str(one["state"]) for one in found]

    def approved(self, action: dict[str, Any], by: str) -> dict[str, Any]:
        """Let somebody agree to an action, and return what came of it."""
        return self._decided(action, by, "approve")

    def rejected(self, action: dict[str, Any], by: str) -> dict[str, Any]:
        """Let somebody say no to an action, and return what came of it."""
        return self._decided(action, by, "reject")

    def killed(self, session: str, step: Callable[[], object]) -> dict[str, Any]:
        """Let Interlock die when a system has done a *step* and nobody knows it yet; return the settled action."""
        self.server.kill()
        self.server.start(fault="action.after_call")
        with suppress(Lost):
            step()
        self.server.wait_dead()
        self.server.start()
        carla = self.callers["carla"]
        (action,) = carla.get("/v1/actions", session=session, limit=1)["items"]
        until(lambda: carla.action(action["id"])["state"] == "succeeded", f"{action['operation']} to be settled")
        return carla.action(action["id"])

    def _decided(self, action: dict[str, Any], by: str, verdict: str) -> dict[str, Any]:
        caller = self.callers[by]
        role = {"greta": "bookkeeper", "lena": "sales-lead"}[by]
        (asked,) = [one for one in caller.action(action["id"])["approvals"] if one["role"] == role]
        caller.post(f"/v1/approvals/{asked['id']}/decide", {"verdict": verdict, "consent": asked["consent"]})
        return self._executed(action)

    def _executed(self, action: dict[str, Any]) -> dict[str, Any]:
        """Return an action when it is not being executed; what goes on with it may be another than who agreed."""
        caller = self.callers["carla"]
        until(lambda: caller.action(action["id"])["state"] != "executing", "an action to be executed")
        return caller.action(action["id"])

    def confirmed(self, action: dict[str, Any]) -> dict[str, Any]:
        """Let Carla confirm her own action, and return what came of it."""
        self.callers["carla"].post(f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]})
        return self._executed(action)

    def origins(self, action: str) -> dict[str, dict[str, Any]]:
        """Return where the arguments of an action came from, as `interlock journal show` prints it."""
        first, *_ = json.loads(self.server.command("journal", "show", action, "--json").stdout)["items"]
        return dict(first["fields"]["snapshot"]["origins"])

    def journal(self, session: str) -> list[dict[str, Any]]:
        """Return the records of a session, oldest first, as `interlock journal search` reads them."""
        words = ("journal", "search", "--session", session, "--limit", "500", "--json")
        items = json.loads(self.server.command(*words).stdout)["items"]
        return list(reversed(items))


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
