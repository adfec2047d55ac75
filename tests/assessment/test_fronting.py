"""Facades proposed over systems: a bare database gets REST, GraphQL and MCP, and nothing about it changes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.app.main import main
from interlock.assessment.connecting import front
from interlock.foundation.documents import parse_document
from interlock.integration.facades import facade_from_document
from interlock.integration.systems import SystemUnknown
from interlock.orchestration.project import load_project
from tests.house.source import ROOT
from tests.journeys.server import Server

POLICY = """
@id("reads")
permit (principal in Role::"staff", action in Action::"read", resource);
"""
PROJECT = """
name: bare
tenants: [main]
roles: [staff]
server: {host: 127.0.0.1, port: 8640}
people: {ada: {name: Ada, roles: [staff]}}
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in it, and the least project around it."""
    root = tmp_path_factory.mktemp("bare")
    (root / "interlock.yaml").write_text(PROJECT, "utf-8")
    (root / "policies").mkdir()
    (root / "policies" / "all.cedar").write_text(POLICY, "utf-8")
    with sqlite3.connect(root / "books.db") as database:
        database.execute("CREATE TABLE author (author_id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        database.executemany("INSERT INTO author VALUES (?, ?)", [(n, f"Author {n}") for n in range(1, 121)])
    database.close()
    return root


@pytest.fixture(scope="module")
def served(bare: Path) -> Iterator[Server]:
    for words in (["connect", "sqlite:///books.db"], ["facade", "new", "books"]):
        assert main([*words, "--project", str(bare)]) == 0
    assert main(["check", str(bare)]) == 0
    server = Server(bare, environment={"INTERLOCK_STATE": str(bare / "state")}, log=bare / "server.log")
    server.key = server.first_key("person", "ada")  # type: ignore[attr-defined]  # for the tests below
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_a_bare_database_is_gone_through_page_by_page_over_all_three(bare: Path, served: Server) -> None:
    before = hashlib.sha256((bare / "books.db").read_bytes()).hexdigest()
    ada = served.caller(served.key)  # type: ignore[attr-defined]  # set by the fixture
    seen: list[int] = []
    cursor = ""
    while True:
        page = ada.get(f"/facades/books/authors?limit=50{cursor}")
        seen += [author["author_id"] for author in page["items"]]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == list(range(1, 121))
    assert ada.get("/facades/books/authors/7") == {"author_id": 7, "name": "Author 7"}
    query = {"query": "{ get_author(author_id: 7) {name} find_author(limit: 2) {items {author_id}} }"}
    data = ada.send("POST", "/facades/books/graphql", query).body["data"]
    assert data == {
        "get_author": {"name": "Author 7"},
        "find_author": {"items": [{"author_id": 1}, {"author_id": 2}]},
    }
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    params = {"name": "get_author", "arguments": {"author_id": 9}}
    accept = {"accept": "application/json, text/event-stream"}
    told = ada.send("POST", "/facades/books/mcp", {**asked, "params": params}, headers=accept)
    assert told.body["result"]["structuredContent"]["name"] == "Author 9"
    assert hashlib.sha256((bare / "books.db").read_bytes()).hexdigest() == before


def test_the_command_line_tells_what_there_is(served: Server) -> None:
    assert "http://127.0.0.1:8640/facades/books" in served.command("facade", "list").stdout
    assert "GET /authors/{author_id}" in served.command("facade", "show", "books").stdout
    assert "type Query" in served.command("facade", "show", "books", "--form", "graphql").stdout
    assert '"openapi": "3.1.0"' in served.command("facade", "show", "books", "--form", "openapi").stdout
    assert "facades: books" in served.command("facade", "show", "none", code=1).stderr
    taken = served.command("facade", "new", "books", code=1)
    assert "facades/books.yaml exists already" in taken.stderr
    assert (
        "page: {limit: limit, cursor: after, last: author_id}"
        in served.command("facade", "new", "books", "--dry-run").stdout
    )


@pytest.mark.parametrize("project", ["northwind", "office", "exchange", "legacy", "teams"])
def test_every_system_of_the_examples_has_a_facade_that_holds(project: str) -> None:
    catalog = load_project(ROOT / "examples" / project).catalog
    for system in catalog.systems:
        draft = front(catalog, system, "front")
        own = {name for name, compiled in catalog.operations.items() if compiled.operation.system == system}
        assert {f"{system}.{name}" for name in draft.operations} | {one.origin for one in draft.left_out} == own
        if draft.operations:
            document = parse_document(draft.text.encode(), "facade", name=draft.file)
            facade = facade_from_document(document, catalog)
            for endpoint in facade.endpoints.values():
                assert endpoint.method != "GET" or endpoint.reads


def test_names_become_paths_as_people_write_them() -> None:
    catalog = load_project(ROOT / "examples" / "northwind").catalog
    ways = front(catalog, "billing", "front").operations
    assert ways["get_credit"] == "GET /credits/{id}"
    assert ways["create_credit"] == "POST /credits"
    assert ways["cancel_credit"] == "POST /credits/{id}/cancel"
    with pytest.raises(SystemUnknown):
        front(catalog, "none", "front")
