"""A project with fields that not everybody may see, composed as the product is and served over HTTP."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from interlock.app.composition import Running, compose
from interlock.experience.api import Api
from interlock.experience.api.request import Receive, Scope, Send
from interlock.experience.console import Console
from interlock.experience.installation import Installation
from interlock.experience.mcp import Mcp
from interlock.governance.credentials import KeyRequest
from interlock.values.principals import Kind, Principal
from tests.experience.console.visitor import Visitor
from tests.journeys.caller import Caller

T = TypeVar("T")

IBAN, SALARY, NAME = "DE89370400440532013000", 48213.5, "Zelda Canaryson"
CANARIES = (IBAN, str(SALARY))
FINANCIAL, PERSONAL = "[masked: restricted, financial]", "[masked: restricted, personal]"

FILES = {
    "interlock.yaml": """
name: vault
tenants: [acme]
roles: [clerk, lead, auditor]
people:
  carla: {name: Carla, roles: [clerk], tenant: acme}
  lena: {name: Lena, roles: [lead], tenant: acme}
  aude: {name: Aude, roles: [lead, auditor], tenant: acme}
approvals: {default_role: lead}
clearances: {default: confidential, roles: {auditor: restricted}}
limits: {actions_per_session: 0, repeats: 0}
""",
    "systems/staff.yaml": """
system: staff
kind: erp
connector: sql
connection: {url: "sqlite:///staff.db"}
operations:
  get_person:
    effect: read
    from: "SELECT id, name, iban, salary, version FROM people WHERE id = :id"
    input: {id: string}
    columns: {id: string, name: string, iban: string, salary: number, version: integer}
    rows: one
    output:
      labels:
        iban: {confidentiality: restricted, categories: [financial]}
        /salary: {confidentiality: restricted, categories: [personal]}
  list_people:
    effect: read
    from: "SELECT id, name, salary FROM people ORDER BY id"
    columns: {id: string, name: string, salary: number}
    rows: many
    output:
      labels: {salary: {confidentiality: restricted, categories: [personal]}}
  pay:
    effect: write
    from: >-
      INSERT INTO payments (person, iban, amount) VALUES (:person, :iban, :amount) RETURNING id, iban, amount
    input: {person: string, iban: string, amount: number}
    columns: {id: integer, iban: string, amount: number}
    rows: one
    undo: unpay(iban = output.iban)
    version: "facts.payee.version"
    arguments: {person: target, iban: target, amount: control}
    facts:
      payee: {read: staff.get_person(id = input.person), max_age: 60s}
      monthly: "facts.payee.salary / 12.0"
      owed: "input.amount"
  unpay:
    effect: write
    from: "DELETE FROM payments WHERE iban = :iban"
    input: {iban: string}
    expect_rows: 1
""",
    "systems/desk.yaml": """
system: desk
kind: other
connector: external
labels: {confidentiality: restricted, categories: [financial]}
operations:
  wire:
    effect: write
    input: {type: object, required: [iban], additionalProperties: false, properties: {iban: {type: string}}}
    output_schema: {type: object, required: [id], properties: {id: {type: string}}}
""",
    "agents/helper.yaml": """
agent: helper
route: desk
roles: [agents]
operations: ["staff.*", "desk.*"]
""",
    "agents/seer.yaml": """
agent: seer
route: desk
roles: [agents, auditor]
operations: ["staff.*", "desk.*"]
""",
    "agents/narrow.yaml": """
agent: narrow
route: desk
roles: [agents, auditor]
clearance: internal
operations: ["staff.*"]
""",
    "policies/vault.cedar": """
@id("read") permit (principal in Role::"agents", action in Action::"read", resource);
@id("read-people") permit (principal in Role::"clerk", action in Action::"read", resource);
@id("pay") @require("approval:lead") @because("Paying takes a lead")
permit (principal in Role::"agents", action == Action::"staff.pay", resource)
when { context.input.iban like "*" && context.facts.payee.salary.greaterThan(decimal("1.00")) };
@id("unpay") permit (principal in Role::"agents", action == Action::"staff.unpay", resource);
@id("wire") permit (principal in Role::"agents", action == Action::"desk.wire", resource);
""",
}

PEOPLE = {"carla": "act read", "lena": "act approve read", "aude": "act approve read"}
AGENTS = {
    "helper": Principal(Kind.agent, "helper", "acme", frozenset({"agents"})),
    "seer": Principal(Kind.agent, "seer", "acme", frozenset({"agents", "auditor"})),
    "narrow": Principal(Kind.agent, "narrow", "acme", frozenset({"agents", "auditor"})),
}


@dataclass
class Vault:
    """The running installation, with a key for everybody."""

    root: Path
    running: Running
    port: int = 0
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def installation(self) -> Installation:
        return self.running.installation

    async def by(self, who: str, call: Callable[[Caller], T]) -> T:
        """Return what *call* does with somebody's key over HTTP, while the server goes on answering."""

        def called() -> T:
            try:
                return call(Caller(self.port, self.keys[who]))
            except StopIteration as error:  # which no future can hold
                raise AssertionError("the page has no such form") from error

        return await asyncio.to_thread(called)

    async def read(self, who: str, path: str) -> Any:
        """Return what a GET answers somebody."""
        return await self.by(who, lambda caller: caller.get(path))

    async def session(self, agent: str = "", request: str = "") -> str:
        """Return a session of Carla's."""
        opening = {name: text for name, text in (("agent", agent), ("request", request)) if text}
        opened = await self.by("carla", lambda caller: caller.post("/v1/sessions", opening))
        return str(opened["id"])

    async def propose(self, who: str, session: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Propose an action over REST and return it as it is shown."""
        return await self.by(who, lambda caller: caller.propose(session, operation, arguments))

    async def tool(self, who: str, method: str, **params: Any) -> Any:
        """Return the result of an MCP request."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"mcp-protocol-version": "2025-11-25"}
        reply = await self.by(who, lambda caller: caller.send("POST", "/mcp", body, headers=headers))
        return reply.body["result"]

    async def waiting(self) -> tuple[str, dict[str, Any]]:
        """Let an agent that sees everything propose a payment; return the session and the action as it sees it."""
        session = await self.session("seer")
        person = await self.propose("seer", session, "staff.get_person", id="p1")
        arguments = {"person": "p1", "iban": person["output"]["iban"], "amount": 20.0}
        return session, await self.propose("seer", session, "staff.pay", **arguments)

    async def page(self, who: str, path: str) -> Any:
        """Return a page of the console as somebody sees it."""
        return await self.by(who, lambda caller: Visitor(self.port).sign_in(caller.key, path))


def write_vault(root: Path, **more: str) -> Path:
    """Write the project and its database into *root*; *more* files replace the usual ones or come to them."""
    files = {**FILES, **{name.replace("__", "/") + ".yaml": text for name, text in more.items()}}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), "utf-8")
    with sqlite3.connect(root / "staff.db") as database:
        database.execute("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, iban TEXT, salary REAL, version INT)")
        database.execute("CREATE TABLE payments (id INTEGER PRIMARY KEY, person TEXT, iban TEXT, amount REAL)")
        database.execute("INSERT INTO people VALUES ('p1', ?, ?, ?, 1)", (NAME, IBAN, SALARY))
    database.close()
    return root


@asynccontextmanager
async def open_vault(root: Path) -> AsyncIterator[Vault]:
    """Compose the project in *root*, make the keys, and serve it on a free port."""
    running = await compose(root, {"INTERLOCK_STATE": str(root / "state")})
    try:
        vault = Vault(root, running)
        await _keys(vault)
        async with _served(running) as vault.port:
            yield vault
    finally:
        await running.close()


async def _keys(vault: Vault) -> None:
    directory = vault.installation.projects.current.directory
    operator = Principal(Kind.service, "operator", "acme", scopes=frozenset({"admin"}))
    holders = [(Kind.person, name, scopes) for name, scopes in PEOPLE.items()]
    holders += [(Kind.agent, name, "act") for name in AGENTS]
    for kind, name, scopes in holders:
        wanted = KeyRequest(kind, name, "acme", frozenset(scopes.split()))
        issued = await vault.installation.keys.create(wanted, directory=directory, by=operator)
        vault.keys[name] = issued.text.reveal()


@asynccontextmanager
async def _served(running: Running) -> AsyncIterator[int]:
    installation = running.installation
    api, mcp, console = Api(installation), Mcp(installation), Console(installation)

    async def surfaces(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        surface = mcp if path == "/mcp" else console if path.startswith("/console") else api
        await surface(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(surfaces, lifespan="off", log_level="warning", ws="none", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield int(listening.getsockname()[1])
    server.should_exit = True
    await serving
