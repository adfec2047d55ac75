"""The ledger as a running system, and the files that declare it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.soap import plugin
from interlock.integration.systems import Connector, Description, Ports, SystemDeclaration
from interlock.integration.systems.declarations import declare

SERVER = Path(__file__).with_name("server.py")
USER, PASSWORD = "house", "ledger-password<&>"
SECRETS = {"INTERLOCK_SECRET_LEDGER": PASSWORD, "INTERLOCK_SECRET_TENANT": "tenant-hidden"}
INVOICE = {"@id": "I1", "customer": "Ada"}
OPERATIONS = {
    "read": {"from": "GetInvoice", "effect": "read"},
    "write": {"from": "PostInvoice", "effect": "write"},
    "asks": {"from": "WhoAsks", "effect": "read"},
    "greet": {"from": "Ledger/LedgerService/Greet", "effect": "read"},
    "nothing": {"from": "LedgerService/Nothing", "effect": "write"},
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """A served ledger, and what its two versions publish."""

    port: int
    wsdl: dict[str, bytes]

    def url(self, version: str) -> str:
        """Return where *version* (`11`, `12`) is spoken."""
        return f"http://127.0.0.1:{self.port}/{version}"

    @property
    def effects(self) -> int:
        """How many invoices were posted."""
        with urlopen(f"http://127.0.0.1:{self.port}/effects", timeout=30) as answer:
            return int(answer.read())


@contextmanager
def running() -> Iterator[Ledger]:
    """Serve a ledger for a while."""
    with subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            wsdl = {}
            for version in ("11", "12"):
                with urlopen(f"http://127.0.0.1:{port}/{version}?wsdl", timeout=30) as answer:
                    wsdl[version] = answer.read()
            yield Ledger(port, wsdl)
        finally:
            process.kill()


def system(url: str = "", operations: dict[str, Any] | None = None, **connection: Any) -> dict[str, Any]:
    """Return a system's file; the WSDL is `service.wsdl`."""
    at = {"url": url} if url else {}
    return {
        "system": "ledger",
        "connector": "soap",
        "connection": {"wsdl": "service.wsdl", **at, **connection},
        "operations": OPERATIONS if operations is None else operations,
    }


def declared(content: dict[str, Any]) -> SystemDeclaration:
    """Return *content* as a declaration."""
    return declare(parse_document(json.dumps(content).encode(), "system", environment={}))


def described(root: Path, content: dict[str, Any]) -> Description:
    """Return what the plug-in says of *content*."""
    return plugin.describe(declared(content), root)


@asynccontextmanager
async def connected(root: Path, content: dict[str, Any]) -> AsyncIterator[Connector]:
    """Give a connector for *content*, whose files are below *root*."""
    found = described(root, content)
    assert not found.troubles
    async with HttpClient() as http:
        ports = Ports(http, SecretStore.standard(environment=SECRETS), root)
        yield plugin.build(declared(content), found.definitions, ports)
