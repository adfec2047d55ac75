"""One small installation, composed as the product composes itself, with its MCP surface and keys for each caller."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn

from interlock.app.composition import compose
from interlock.experience.installation import Installation
from interlock.experience.mcp import Mcp
from interlock.experience.mcp.revisions import CAPABILITIES_KEY, NAMED, VERSION_KEY
from interlock.foundation.clock import Clock
from interlock.governance.credentials import KeyRequest
from interlock.values.principals import Kind, Principal
from tests.experience.asking import Answered, asked

NEW = "2026-07-28"
OLD = "2025-11-25"

FILES = {
    "interlock.yaml": """
name: shop
tenants: [main, other]
limits: {request_bytes: 64KiB, depth: 12, repeats: 0, actions_per_session: 0}
roles: [staff, lead]
people:
  ada: {name: Ada, tenant: main, roles: [staff]}
  bob: {name: Bob, tenant: main, roles: [staff]}
  lea: {name: Lea, tenant: main, roles: [lead]}
  zoe: {name: Zoe, tenant: other, roles: [staff]}
services:
  desk: {tenant: main, roles: [staff]}
""",
    "agents/clerk.yaml": """
agent: clerk
route: desk
roles: [staff]
operations: ["shop.*", "fax.*"]
limits: {actions_per_session: 1000, repeats: 1000}
""",
    "agents/reader.yaml": """
agent: reader
route: desk
roles: [staff]
operations: ["shop.get_order"]
""",
    "models.yaml": """
routes:
  desk:
    targets:
      - {provider: rules, file: rules.yaml}
""",
    "rules.yaml": """
rules: desk
intents:
  hello: {examples: [hello there]}
""",
    "systems/shop.yaml": """
system: shop
kind: commerce
connector: sql
connection: {url: "sqlite:///shop.db"}
operations:
  get_order:
    from: SELECT id, customer, total FROM orders WHERE id = :id
    effect: read
    description: Look up one order by its number.
    input: {id: integer}
    columns: {id: integer, customer: string, total: number}
    rows: one
  list_orders:
    from: SELECT id, customer FROM orders WHERE customer = :customer ORDER BY id
    effect: read
    input: {customer: string}
    columns: {id: integer, customer: string}
    rows: many
  set_note:
    from: UPDATE orders SET note = :note WHERE id = :id
    effect: write
    input: {id: integer, note: string}
    rows: none
    expect_rows: 1
  close_order:
    from: UPDATE orders SET closed = 1 WHERE id = :id
    effect: write
    input: {id: integer}
    rows: none
    expect_rows: 1
  drop_order:
    from: DELETE FROM orders WHERE id = :id
    effect: irreversible
    input: {id: integer}
    rows: none
    expect_rows: 1
""",
    "systems/fax.yaml": """
system: fax
kind: legacy
connector: external
operations:
  send:
    effect: irreversible
    description: Send a fax.
    input:
      type: object
      required: [to]
      properties: {to: {type: string}}
      additionalProperties: false
    output_schema: {type: object, required: [pages], properties: {pages: {type: integer}}}
""",
    "policies/shop.cedar": """
@id("reads")
permit (principal in Role::"staff", action in Action::"read", resource);

@id("notes") @require("confirm") @because("A note is confirmed by the person it is written for")
permit (principal in Role::"staff", action == Action::"shop.set_note", resource);

@id("closing") @require("approval:lead") @because("Closing an order takes a lead")
permit (principal in Role::"staff", action == Action::"shop.close_order", resource);

@id("dropping")
permit (principal in Role::"staff", action == Action::"shop.drop_order", resource);

@id("kept-for-tax") @because("Orders are kept for the tax office")
forbid (principal, action == Action::"shop.drop_order", resource) when { context.input.id < 1000 };

@id("faxing")
permit (principal in Role::"staff", action == Action::"fax.send", resource);
""",
}


@dataclass(frozen=True)
class Answer(Answered):
    """An HTTP answer that holds one of the protocol's."""

    @property
    def result(self) -> Any:
        assert "result" in self.json, self.body
        return self.json["result"]

    @property
    def fault(self) -> int:
        return int(self.json["error"]["code"])


@dataclass
class Shop:
    """The installation, its surface, and the callers' keys."""

    root: Path
    installation: Installation
    mcp: Mcp
    keys: dict[str, str] = field(default_factory=dict)

    def order(self, number: int) -> tuple[Any, ...] | None:
        """Return an order as the shop's own database holds it."""
        with sqlite3.connect(self.root / "shop.db") as database:
            row: tuple[Any, ...] | None = database.execute(
                "SELECT note, closed FROM orders WHERE id = ?", (number,)
            ).fetchone()
        database.close()
        return row

    async def send(
        self,
        body: Any,
        *,
        key: str = "clerk",
        method: str = "POST",
        path: str = "/mcp",
        headers: Mapping[str, str] | None = None,
        more: list[tuple[bytes, bytes]] | None = None,
    ) -> Answer:
        """Send one HTTP request straight to the surface; *headers* replace the usual ones, None leaves one out."""
        lines: dict[str, str | None] = {"host": "127.0.0.1:8640", "content-type": "application/json"}
        if key:
            lines["authorization"] = f"Bearer {self.keys.get(key, key)}"
        lines.update(headers or {})
        raw = [(name.encode(), value.encode("latin-1")) for name, value in lines.items() if value is not None]
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await asked(self.mcp, Answer, method, path, content, raw + (more or []))

    async def old(self, method: str, params: Any = None, *, key: str = "clerk", **given: Any) -> Answer:
        """Send a request of the revision 2025-11-25."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, **({} if params is None else {"params": params})}
        return await self.send(body, key=key, headers={"mcp-protocol-version": OLD}, **given)

    async def new(
        self, method: str, params: Any = None, *, key: str = "clerk", capabilities: Any = None, meta: Any = None
    ) -> Answer:
        """Send a request of the revision 2026-07-28, with the envelope and the headers it wants."""
        about: dict[str, Any] = {VERSION_KEY: NEW, CAPABILITIES_KEY: capabilities or {}, **(meta or {})}
        params = {**(params or {}), "_meta": about}
        headers = {"mcp-protocol-version": NEW, "mcp-method": method}
        if method in NAMED:
            headers["mcp-name"] = params[NAMED[method]]
        body = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
        return await self.send(body, key=key, headers=headers)

    async def call(self, name: str, arguments: Any = None, *, key: str = "clerk", **given: Any) -> Any:
        """Call a tool in the newest revision and return its result."""
        more: dict[str, Any] = {
            extra: given.pop(extra) for extra in ("requestState", "inputResponses") if extra in given
        }
        params = {"name": name, "arguments": arguments or {}, **more}
        return (await self.new("tools/call", params, key=key, **given)).result

    def person(self, name: str) -> Principal:
        """Return a person as their key says."""
        roles = {"ada": "staff", "bob": "staff", "lea": "lead"}[name]
        scopes = frozenset({"act", "approve"})
        return Principal(Kind.person, name, "main", frozenset({roles}), scopes=scopes, present=True, credential="test")


def write_shop(root: Path, files: Mapping[str, str]) -> None:
    """Write a project and the shop's own database."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), "utf-8")
    with sqlite3.connect(root / "shop.db") as database:
        database.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total REAL, note TEXT, closed INT)"
        )
        database.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, '', 0)", [(1, "ALFKI", 12.5), (2, "BERGS", 99.0), (3, "ALFKI", 7.0)]
        )
    database.close()


@asynccontextmanager
async def open_shop(root: Path, *, clock: Clock | None = None) -> AsyncIterator[Shop]:
    """Compose the project in *root* and make a key for every caller."""
    running = await compose(root, {"INTERLOCK_STATE": str(root / "state")}, clock=clock)
    try:
        shop = Shop(root, running.installation, Mcp(running.installation))
        directory = running.installation.projects.current.directory
        operator = Principal(Kind.service, "operator", "main", scopes=frozenset({"admin"}))
        for kind, names in ((Kind.person, "ada bob lea zoe"), (Kind.agent, "clerk reader"), (Kind.service, "desk")):
            for name in names.split():
                scopes = frozenset({"act", "approve"} if kind is Kind.person else {"act"})
                wanted = KeyRequest(kind, name, "other" if name == "zoe" else "main", scopes)
                issued = await running.installation.keys.create(wanted, directory=directory, by=operator)
                shop.keys[name] = issued.text.reveal()
        looking = KeyRequest(Kind.agent, "clerk", "main", frozenset({"read"}))
        issued = await running.installation.keys.create(looking, directory=directory, by=operator)
        shop.keys["looker"] = issued.text.reveal()
        yield shop
    finally:
        await running.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The small shop, running."""
    write_shop(tmp_path, FILES)
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def url(shop: Shop) -> AsyncIterator[str]:
    """The address of the shop's MCP surface, served over HTTP on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(shop.mcp, lifespan="off", log_level="warning", ws="none", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
    server.should_exit = True
    await serving
    listening.close()
