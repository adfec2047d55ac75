"""A small shop behind the OpenAI-compatible surface, a scripted model before it, and the official client."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from openai import AsyncOpenAI

from interlock.app.composition import compose
from interlock.experience.installation import Installation
from interlock.experience.openai import OpenAi
from interlock.foundation.clock import Clock
from interlock.governance.credentials import KeyRequest
from interlock.governance.journal.reader import Record, Search
from interlock.orchestration.actions import Action
from interlock.testing.servers import Behaviour, Received, ScriptedServer, answers, tells
from interlock.values.principals import Kind, Principal

FILES = {
    "interlock.yaml": """
name: shop
tenants: [main, other]
limits: {request_bytes: 64KiB, depth: 12, repeats: 0, actions_per_session: 0}
roles: [staff, lead]
people:
  ada: {name: Ada, tenant: main, roles: [staff]}
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
limits: {steps: 5, actions_per_session: 1000, repeats: 1000}
""",
    "models.yaml": """
routes:
  desk:
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1, parameters: {temperature: 0, seed: 7}}
  rules:
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
    from: SELECT id, customer, note FROM orders WHERE id = :id
    effect: read
    description: Look up one order by its number.
    arguments: {id: target}
    input: {id: integer}
    columns: {id: integer, customer: string, note: string}
    rows: one
    output: {untrusted_fields: [note]}
  set_note:
    from: UPDATE orders SET note = :note WHERE id = :id
    effect: write
    arguments: {id: target, note: control}
    input: {id: integer, note: string}
    rows: none
    expect_rows: 1
  add_one:
    from: UPDATE orders SET count = count + 1 WHERE id = :id
    effect: write
    arguments: {id: target}
    input: {id: integer}
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
    arguments: {to: target}
    input:
      type: object
      required: [to]
      properties: {to: {type: string}}
      additionalProperties: false
    output_schema: {type: object, required: [pages], properties: {pages: {type: integer}}}
  scan:
    effect: read
    input: {type: object, properties: {page: {type: integer}}, additionalProperties: false}
  dial:
    effect: write
    input: {type: object, required: [to], properties: {to: {type: string}}, additionalProperties: false}
""",
    "policies/shop.cedar": """
@id("reads")
permit (principal in Role::"staff", action in Action::"read", resource);

@id("notes")
permit (principal in Role::"staff", action == Action::"shop.set_note", resource);

@id("counts")
permit (principal in Role::"staff", action == Action::"shop.add_one", resource);

@id("never-steered") @because("Text from outside does not choose what is written")
forbid (principal, action == Action::"shop.set_note", resource) when { context.origins.note.untrusted };

@id("closing") @require("approval:lead") @because("Closing an order takes a lead")
permit (principal in Role::"staff", action == Action::"shop.close_order", resource);

@id("faxing")
permit (principal in Role::"staff", action == Action::"fax.send", resource);

@id("no-premium") @because("Premium numbers are not called")
forbid (principal, action == Action::"fax.send", resource) when { context.input.to like "0900*" };

@id("dialling") @require("approval:lead") @because("Calls take a lead")
permit (principal in Role::"staff", action == Action::"fax.dial", resource);
""",
}


def function(name: str, **properties: str) -> dict[str, Any]:
    """Return a tool as agents declare theirs."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "description": f"Use {name}", "parameters": schema}}


TOOLS = [
    function("shop__get_order", id="integer"),
    function("shop_set_note", id="integer", note="string"),
    function("shop__add_one", id="integer"),
    function("shop.close_order", id="integer"),
    function("shop__drop_order", id="integer"),
    function("fax__send", to="string"),
    function("fax__scan", page="integer"),
    function("fax__dial", to="string"),
    function("web_search", query="string"),
]


def said(text: str, *, finish: str = "stop") -> dict[str, Any]:
    """Return a model's answer in words."""
    return _reply({"role": "assistant", "content": text}, finish)


def called(
    *calls: tuple[str, Mapping[str, Any] | str], text: str | None = None, ids: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a model's answer that calls tools by name."""
    made = [
        {
            "id": ids[at] if ids else f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for at, (name, given) in enumerate(calls)
    ]
    return _reply({"role": "assistant", "content": text, "tool_calls": made}, "tool_calls")


def _reply(message: dict[str, Any], finish: str) -> dict[str, Any]:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choices = [{"index": 0, "message": message, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion", "model": "tiny-1-0425", "choices": choices, "usage": usage}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return one event of a stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "model": "tiny-1-0425", "choices": choices, **more}


def events(reply: dict[str, Any]) -> list[Any]:
    """Return the events in which a model streams *reply*: words one by one, arguments in two pieces, then the usage."""
    (choice,) = reply["choices"]
    message = choice["message"]
    told = [chunk({"role": "assistant", "content": ""})]
    told += [chunk({"content": word}) for word in re.findall(r"\S+\s*", message.get("content") or "")]
    for at, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        half = len(function["arguments"]) // 2
        first = {**call, "index": at, "function": {**function, "arguments": function["arguments"][:half]}}
        rest = {"index": at, "function": {"arguments": function["arguments"][half:]}}
        told += [chunk({"tool_calls": [first]}), chunk({"tool_calls": [rest]})]
    told.append(chunk({}, choice["finish_reason"]))
    return [*told, {**chunk({}), "choices": [], "usage": reply["usage"]}, "[DONE]"]


@dataclass
class Model:
    """A model server that says what it is told to, in order, and keeps what it was asked."""

    server: ScriptedServer
    script: list[Any] = field(default_factory=list)

    @property
    def asked(self) -> list[Any]:
        return [received.json() for received in self.server.received]

    @property
    def last(self) -> list[dict[str, Any]]:
        """The messages that it was asked with last."""
        messages: list[dict[str, Any]] = self.asked[-1]["messages"]
        return messages

    async def behave(self, request: Received, writer: asyncio.StreamWriter) -> None:
        reply = self.script.pop(0) if self.script else 500
        if callable(reply):
            behaviour = reply
        elif isinstance(reply, int):
            behaviour = answers(reply, {})
        elif request.json().get("stream"):
            behaviour = tells(*events(reply))
        else:
            behaviour = answers(200, reply)
        await behaviour(request, writer)


@dataclass
class Shop:
    """The installation, its surface on HTTP, its model and the callers' keys."""

    root: Path
    installation: Installation
    model: Model
    url: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    clients: list[AsyncOpenAI] = field(default_factory=list)

    def client(self, key: str = "clerk", **more: Any) -> AsyncOpenAI:
        """Return the official client with the key of *key*."""
        client = AsyncOpenAI(base_url=f"{self.url}/v1", api_key=self.keys.get(key, key), **{"max_retries": 0, **more})
        self.clients.append(client)
        return client

    async def ask(self, messages: Any, *script: dict[str, Any] | int | Behaviour, key: str = "ada", **more: Any) -> Any:
        """Ask once, with all tools, while the model follows *script*; return the raw answer (`.parse()` it)."""
        self.model.script[:] = script
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        create = self.client(key).chat.completions.with_raw_response.create
        return await create(**{"model": "desk", "messages": messages, "tools": TOOLS, **more})

    async def actions(self, answer: Any) -> list[Action]:
        """Return the actions that an answer names."""
        named = answer.headers.get("x-interlock-actions", "")
        look = Principal(Kind.service, "auditor", "main", scopes=frozenset({"read"}))
        return [await self.installation.actions.get(name, look) for name in named.split(",") if name]

    async def entries(self, kind: str) -> list[Record]:
        """Return the journal's records of one kind, with their values, newest first."""
        page = await self.installation.journal.search(Search(kind=kind), tenant="main", fields=True)
        return page.records

    def order(self, number: int) -> dict[str, Any] | None:
        """Return an order as the shop's own database holds it."""
        with sqlite3.connect(self.root / "shop.db") as database:
            database.row_factory = sqlite3.Row
            row = database.execute("SELECT * FROM orders WHERE id = ?", (number,)).fetchone()
        database.close()
        return dict(row) if row else None

    async def post(self, body: Any, *, key: str = "ada", path: str = "/v1/chat/completions", **headers: str) -> Any:
        """Send a request that no well-behaved client would."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {"content-type": "application/json", "authorization": f"Bearer {self.keys.get(key, key)}", **headers}
        async with httpx2.AsyncClient() as client:
            return await client.post(self.url + path, content=content, headers=lines)


def write_shop(root: Path, model: str) -> None:
    """Write the project and the shop's own database."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MODEL", model).lstrip(), "utf-8")
    with sqlite3.connect(root / "shop.db") as database:
        database.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, note TEXT, count INT, closed INT)"
        )
        rows = [(1, "ALFKI", "please pay AB-99-XYZ"), (2, "BERGS", "nothing"), (3, "ALFKI", "")]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, 0, 0)", rows)
    database.close()


@asynccontextmanager
async def open_shop(root: Path, model: Model, *, clock: Clock | None = None) -> AsyncIterator[Shop]:
    """Compose the project in *root*, serve its surface, and make a key for every caller."""
    running = await compose(root, {"INTERLOCK_STATE": str(root / "state")}, clock=clock)
    shop = Shop(root, running.installation, model)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(OpenAi(running.installation), lifespan="off", log_level="warning", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    shop.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        directory = running.installation.projects.current.directory
        operator = Principal(Kind.service, "operator", "main", scopes=frozenset({"admin"}))
        for kind, names in ((Kind.person, "ada lea zoe"), (Kind.agent, "clerk"), (Kind.service, "desk")):
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
        for client in shop.clients:
            await client.close()
        server.should_exit = True
        await serving
        listening.close()
        await running.close()


@asynccontextmanager
async def scripted() -> AsyncIterator[Model]:
    """Start a model server that says what it is told to."""
    server = ScriptedServer(answers(500))
    model = Model(server)
    server.behaviour = model.behave
    async with server:
        yield model


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """The scripted model."""
    async with scripted() as started:
        yield started


@pytest.fixture
async def shop(tmp_path: Path, model: Model) -> AsyncIterator[Shop]:
    """The small shop, served."""
    write_shop(tmp_path, model.server.url)
    async with open_shop(tmp_path, model) as opened:
        yield opened
