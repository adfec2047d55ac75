"""A library's database behind a facade: composed as the product composes itself, with a key for each caller."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from interlock.app.composition import compose
from interlock.experience.api import Api
from interlock.experience.facades import PREFIX, Facades
from interlock.experience.installation import Installation
from interlock.governance.credentials import KeyRequest
from interlock.testing.clock import FixedClock
from interlock.values.principals import Kind, Principal
from tests.experience.asking import Answered, asked

NOW = 1_790_000_000.0
BOOKS = [(f"isbn-{number:03}", f"Book {number}", 10 + number, 1.5 * number) for number in range(1, 31)]

FILES = {
    "interlock.yaml": """
name: library
tenants: [main, other]
limits: {request_bytes: 64KiB, depth: 12}
roles: [staff, lead, guest]
clearances: {default: internal, roles: {staff: confidential, lead: confidential, guest: internal}}
people:
  ada: {name: Ada, tenant: main, roles: [staff]}
  lea: {name: Lea, tenant: main, roles: [staff, lead]}
  gus: {name: Gus, tenant: main, roles: [guest]}
  zoe: {name: Zoe, tenant: other, roles: [staff]}
services:
  site: {tenant: main, roles: [staff]}
""",
    "agents/clerk.yaml": 'agent: clerk\nroute: desk\nroles: [staff]\noperations: ["books.*"]\n',
    "models.yaml": "routes:\n  desk:\n    targets:\n      - {provider: rules, file: rules.yaml}\n",
    "rules.yaml": "rules: desk\nintents:\n  hello: {examples: [hello there]}\n",
    "systems/books.yaml": """
system: books
kind: other
connector: sql
connection: {url: "sqlite:///books.db"}
operations:
  get_book:
    from: SELECT isbn, title, stock, price FROM book WHERE isbn = :isbn
    effect: read
    description: Look up one book.
    input: {isbn: string}
    columns: {isbn: string, title: string, stock: integer, price: number}
    rows: one
    output: {labels: {price: {confidentiality: confidential}}}
  find_books:
    from: >-
      SELECT isbn, title FROM book WHERE (:after IS NULL OR isbn > :after) ORDER BY isbn LIMIT :limit
    effect: read
    input: {after: "string?", limit: integer}
    columns: {isbn: string, title: string}
    rows: many
  skip_books:
    from: SELECT isbn FROM book ORDER BY isbn LIMIT :limit OFFSET :skipped
    effect: read
    input: {limit: integer, skipped: integer}
    columns: {isbn: string}
    rows: many
  all_books:
    from: SELECT isbn, stock FROM book WHERE stock >= :least ORDER BY isbn
    effect: read
    input: {least: integer}
    columns: {isbn: string, stock: integer}
    rows: many
  set_stock:
    from: UPDATE book SET stock = :stock WHERE isbn = :isbn
    effect: write
    input: {isbn: string, stock: integer}
    rows: none
    expect_rows: 1
  reprice:
    from: UPDATE book SET price = :price WHERE isbn = :isbn
    effect: write
    input: {isbn: string, price: number}
    rows: none
    expect_rows: 1
  drop_book:
    from: DELETE FROM book WHERE isbn = :isbn
    effect: irreversible
    input: {isbn: string}
    rows: none
    expect_rows: 1
""",
    "policies/books.cedar": """
@id("reads")
permit (principal, action in Action::"read", resource);
@id("stock")
permit (principal in Role::"staff", action == Action::"books.set_stock", resource);
@id("price") @require("approval:lead") @because("A lead looks at prices")
permit (principal in Role::"staff", action == Action::"books.reprice", resource);
@id("dropping")
permit (principal in Role::"staff", action == Action::"books.drop_book", resource);
@id("kept") @because("Nothing leaves the archive")
forbid (principal, action == Action::"books.drop_book", resource);
""",
    "facades/library.yaml": """
facade: library
title: The library
rate: 1000/s
operations:
  book:
    operation: books.get_book
    get: /books/{number}
    input: {number: isbn}
    output: {number: isbn, name: title, in_stock: stock, costs: price}
    cache: 30s
  books:
    operation: books.find_books
    get: /books
    items: ""
    output: {number: isbn, name: title}
    page: {size: 10, most: 20, limit: limit, cursor: after, last: isbn}
  skipped:
    operation: books.skip_books
    get: /skipped
    items: ""
    page: {size: 7, limit: limit, offset: skipped}
  stocked:
    operation: books.all_books
    get: /stocked
    input: {least: least}
    items: ""
    page: {size: 4}
    cache: 1m
  stock:
    operation: books.set_stock
    put: /books/{number}/stock
    input: {number: isbn, amount: stock}
  price:
    operation: books.reprice
    patch: /books/{number}
    input: {number: isbn, price: price}
  drop:
    operation: books.drop_book
    delete: /books/{number}
    input: {number: isbn}
  empty:
    operation: books.set_stock
    post: /empty
    input: {number: isbn}
    fixed: {stock: 0}
""",
    "facades/slow.yaml": """
facade: slow
rate: 2/s
operations:
  book: {operation: books.get_book, get: "/books/{isbn}"}
""",
}


@dataclass
class Library:
    """The installation, its facades, the callers' keys, and the clock."""

    root: Path
    installation: Installation
    api: Api
    clock: FixedClock
    keys: dict[str, str] = field(default_factory=dict)

    def stock(self, isbn: str) -> int:
        """Return a stock as the library's own database has it."""
        with sqlite3.connect(self.root / "books.db") as database:
            found: int = database.execute("SELECT stock FROM book WHERE isbn = ?", (isbn,)).fetchone()[0]
        database.close()
        return found

    def change(self, statement: str) -> None:
        """Change the library's own database behind everybody's back."""
        with sqlite3.connect(self.root / "books.db") as database:
            database.execute(statement)
        database.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Any = None,
        key: str = "ada",
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Send one HTTP request straight to the surface, below `/facades/`."""
        lines = {"host": "127.0.0.1:8640", "content-type": "application/json"}
        if key:
            lines["authorization"] = f"Bearer {self.keys.get(key, key)}"
        lines.update(headers or {})
        content = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else b""
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines.items()]
        spoken = query if isinstance(query, str) else urlencode(query or {}, doseq=True)
        return await asked(self.api, Answered, method, f"/facades/{path}", content, raw, spoken.encode())

    async def query(self, text: str, variables: Any = None, *, key: str = "ada", **given: Any) -> Any:
        """Send a GraphQL request; return its answer."""
        body = {"query": text, **({"variables": variables} if variables is not None else {})}
        answer = await self.ask("POST", "library/graphql", body, key=key, **given)
        assert answer.status == 200, answer.body
        return answer.json

    async def actions(self, key: str = "ada") -> int:
        """Return how many actions there were of a person."""
        person = Principal(Kind.person, key, "main", scopes=frozenset({"act"}))
        return len(await self.installation.actions.page(person, limit=500))


def served(installation: Installation) -> Api:
    """Return a surface of its own for the installation, as another process would have it."""
    return Api(installation, {PREFIX: Facades(installation, secret=b"s" * 32)})


def write_library(root: Path) -> None:
    """Write the project and the library's own database."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("\n", "\n").lstrip(), "utf-8")
    with sqlite3.connect(root / "books.db") as database:
        database.execute("CREATE TABLE book (isbn TEXT PRIMARY KEY, title TEXT, stock INTEGER, price REAL)")
        database.executemany("INSERT INTO book VALUES (?, ?, ?, ?)", BOOKS)
    database.close()


@asynccontextmanager
async def open_library(root: Path) -> AsyncIterator[Library]:
    """Compose the project in *root* and make a key for every caller."""
    clock = FixedClock(NOW)
    running = await compose(root, {"INTERLOCK_STATE": str(root / "state")}, clock=clock)
    try:
        library = Library(root, running.installation, served(running.installation), clock)
        directory = running.installation.projects.current.directory
        operator = Principal(Kind.service, "operator", "main", scopes=frozenset({"admin"}))
        for kind, names in ((Kind.person, "ada lea gus zoe"), (Kind.agent, "clerk"), (Kind.service, "site")):
            for name in names.split():
                wanted = KeyRequest(kind, name, "other" if name == "zoe" else "main", frozenset({"act"}))
                issued = await running.installation.keys.create(wanted, directory=directory, by=operator)
                library.keys[name] = issued.text.reveal()
        looking = KeyRequest(Kind.person, "ada", "main", frozenset({"read"}))
        issued = await running.installation.keys.create(looking, directory=directory, by=operator)
        library.keys["looker"] = issued.text.reveal()
        yield library
    finally:
        await running.close()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """The library, running."""
    write_library(tmp_path)
    async with open_library(tmp_path) as opened:
        yield opened
