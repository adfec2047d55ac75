"""One installation for journeys: its folder, its server, the business systems behind it, and keys for its people."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.foundation.clock import SystemClock
from interlock.foundation.store import open_database
from interlock.governance.credentials import KeyRequest, Keys
from interlock.governance.journal import Journal
from interlock.orchestration.project import load_project
from interlock.values.principals import Kind, Principal
from tests.journeys.billing import Billing
from tests.journeys.caller import Caller
from tests.journeys.server import Server

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "examples" / "northwind" / "services" / "billing.openapi.json"
TOKENS = {"INTERLOCK_SECRET_BILLING": "billing-token-of-the-journeys", "INTERLOCK_SECRET_SHADY": "shady-token"}
PARCELS = "signing-key-of-the-journeys"
EVERYTHING = ("act", "approve", "read", "admin")

# Who holds a key of the first tenant: kind, id, scopes.
HOLDERS = {
    "carla": ("person", "carla", ("act", "approve", "read")),
    "lena": ("person", "lena", ("act", "approve", "read")),
    "luis": ("person", "luis", ("act", "approve", "read")),
    "portal": ("service", "portal", ("act", "read")),
    "helper": ("agent", "helper", ("act",)),
}


def install(folder: Path) -> Path:
    """Copy the project of the journeys into *folder*, with billing's contract, and one of it without keys."""
    root = Path(shutil.copytree(HERE / "project", folder / "project"))
    contract = json.loads(CONTRACT.read_text("utf-8"))
    (root / "services" / "billing.openapi.json").write_text(json.dumps(contract), "utf-8")
    del contract["paths"]["/credit-notes"]["post"]["parameters"]
    (root / "services" / "oldbilling.openapi.json").write_text(json.dumps(contract), "utf-8")
    return root


@dataclass
class Place:
    """The running installation. *keys* maps a holder to a caller with that holder's key."""

    root: Path
    server: Server
    billing: Billing
    callers: dict[str, Caller] = field(default_factory=dict)

    def __getitem__(self, holder: str) -> Caller:
        return self.callers[holder]

    def issue_keys(self) -> None:
        """Make the first administrator's key in the storage, and the others through the running server."""
        self.callers["ada"] = self.server.caller(self.server.first_key("person", "ada"))
        self.server.start()
        for name, (kind, holder, scopes) in HOLDERS.items():
            self.callers[name] = self.key(kind, holder, *scopes)

    def key(self, kind: str, holder: str, *scopes: str, by: str = "ada") -> Caller:
        """Return a caller with a new key."""
        made = self[by].post("/v1/keys", {"kind": kind, "id": holder, "scopes": list(scopes)})
        return self.server.caller(made["text"])

    def add_administrator(self, kind: str, holder: str, tenant: str) -> None:
        """Give a tenant its first administrator, in the storage, while no server runs."""
        self.server.stop()
        text = asyncio.run(_administrator(self.root, self.server.state, Kind(kind), (holder, tenant)))
        self.callers[holder] = self.server.caller(text)
        self.server.start()

    def session(self, **opening: Any) -> str:
        """Return the id of a session that the portal opened for Carla and the helper."""
        opened = self["portal"].post("/v1/sessions", {"agent": "helper", "person": "carla", **opening})
        return str(opened["id"])


@contextmanager
def place(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Place]:
    """Install, start billing and the server, and issue the keys; stop everything at the end."""
    billing = Billing(folder, token=TOKENS["INTERLOCK_SECRET_BILLING"])
    own = {
        **TOKENS,
        "INTERLOCK_SECRET_PARCELS": PARCELS,
        "BILLING_URL": billing.url,
        "INTERLOCK_STATE": str(folder / "state"),
        **(environment or {}),
    }
    server = Server(install(folder), environment=own, log=folder / "server.log")
    try:
        billing.start()
        found = Place(server.root, server, billing)
        found.issue_keys()
        yield found
    finally:
        server.kill()
        billing.kill()


async def _administrator(root: Path, state: Path, kind: Kind, who: tuple[str, str]) -> str:
    project = load_project(root)
    holder, tenant = who
    database, clock = open_database(project.settings.storage_url, base=state), SystemClock()
    await database.open()
    journal = Journal(database, state, clock=clock)
    await journal.open()
    try:
        keys = Keys(database, journal, clock=clock)
        await keys.open()
        request = KeyRequest(kind, holder, tenant, frozenset(EVERYTHING))
        by = Principal(Kind.service, "local", tenant, scopes=frozenset({"admin"}))
        return (await keys.create(request, directory=project.directory, by=by)).text.reveal()
    finally:
        await journal.close()
        await database.close()
