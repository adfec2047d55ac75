"""A COBOL program is used over REST, MCP and the command line, by policy; it and its file know nothing of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from openapi_spec_validator import OpenAPIV31SpecValidator

from interlock.app.main import main
from tests.house.source import ROOT
from tests.journeys.caller import Caller
from tests.journeys.server import Server

EXAMPLE = ROOT / "examples" / "legacy"
needs_compiler = pytest.mark.skipif(
    shutil.which("cobc") is None, reason="no GnuCOBOL compiler (cobc) on the PATH (hint: apt-get install gnucobol3)"
)


def test_the_project_is_valid() -> None:
    assert main(["check", str(EXAMPLE)]) == 0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Caller]]:
    folder = tmp_path_factory.mktemp("legacy")
    root = Path(shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("*.idx", "ledger", "var")))
    program = root / "legacy" / "ledger"
    words = ["cobc", "-x", "-I", str(root / "copybooks"), "-o", str(program), str(root / "legacy" / "ledger.cob")]
    subprocess.run(words, check=True, capture_output=True, cwd=folder)  # whose name the compiler may write down
    server = Server(root, environment={"INTERLOCK_STATE": str(folder / "state")}, log=folder / "server.log")
    key = server.first_key("person", "greta.brenner")
    server.start()
    try:
        yield server, server.caller(key)
    finally:
        server.kill()


def used(caller: Caller, operation: str, **arguments: Any) -> dict[str, Any]:
    session = caller.post("/v1/sessions", {"request": f"{operation} {json.dumps(arguments)}"})["id"]
    return caller.propose(session, f"ledger.{operation}", arguments)


@needs_compiler
def test_over_rest_its_refusals_are_refusals_and_policies_hold(house: tuple[Server, Caller]) -> None:
    _, greta = house
    opened = used(greta, "open_account", account=1, owner="Ann Example")
    assert (opened["state"], opened["output"]) == ("succeeded", {"account": 1, "owner": "Ann Example", "balance": 0})
    assert used(greta, "post_amount", account=1, amount=125.5)["output"]["balance"] == 125.5
    for operation, arguments, code in (
        ("get_account", {"account": 2}, "not_found"),
        ("open_account", {"account": 1, "owner": "Ben"}, "refused"),
        ("post_amount", {"account": 1, "amount": -1000}, "refused"),
    ):
        failed = used(greta, operation, **arguments)
        assert (failed["state"], failed["problem"]["code"]) == ("failed", code)
    assert used(greta, "post_amount", account=1, amount=5000)["state"] == "waiting"
    assert used(greta, "get_account", account=1)["output"]["balance"] == 125.5


@needs_compiler
def test_over_mcp_and_the_command_line_it_is_the_same(house: tuple[Server, Caller]) -> None:
    server, greta = house
    used(greta, "open_account", account=7, owner="Cleo")

    async def asked() -> tuple[set[str], Any]:
        headers = {"authorization": f"Bearer {greta.key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client,
        ):
            tools = await client.list_tools()
            answer = await client.call_tool("ledger.post_amount", {"account": 7, "amount": 1.25})
            return {tool.name for tool in tools.tools}, answer

    tools, answer = asyncio.run(asked())
    assert {"ledger.get_account", "ledger.open_account", "ledger.post_amount"} <= tools
    assert not answer.is_error
    shown = server.command("call", "ledger.get_account", "account=7", "--json", key=greta.key)
    assert json.loads(shown.stdout)["output"] == {"account": 7, "owner": "Cleo", "balance": 1.25}


@needs_compiler
def test_its_facade_is_rest_graphql_and_mcp(house: tuple[Server, Caller]) -> None:
    server, greta = house
    made = greta.send("POST", "/facades/ledger/accounts", {"number": 20, "owner": "Eve"})
    assert (made.status, made.body) == (200, {"number": 20, "owner": "Eve", "balance": 0})
    once = {"idempotency-key": "posting-1"}
    for _ in range(2):
        posted = greta.send("POST", "/facades/ledger/accounts/20/postings", {"amount": 12.25}, headers=once)
        assert (posted.status, posted.body) == (200, {"number": 20, "balance": 12.25})
    assert greta.send("GET", "/facades/ledger/accounts/99").status == 404
    waiting = greta.send("POST", "/facades/ledger/accounts/20/postings", {"amount": 5000})
    assert (waiting.status, waiting.body["waiting_for"]) == (202, ["confirm"])
    assert greta.get(waiting.headers["location"])["state"] == "waiting"

    query = "query($n: Int!) { account(number: $n) {owner balance} none: account(number: 99) {owner} }"
    answer = greta.send("POST", "/facades/ledger/graphql", {"query": query, "variables": {"n": 20}})
    assert answer.body["data"] == {"account": {"owner": "Eve", "balance": 12.25}, "none": None}
    assert answer.body["errors"][0]["extensions"]["code"] == "not_found"
    posting = "mutation { post_amount(number: 20, amount: -2.25) {balance} }"
    changed = greta.send("POST", "/facades/ledger/graphql", {"query": posting})
    assert changed.body == {"data": {"post_amount": {"balance": 10}}}

    async def asked() -> tuple[set[str], Any]:
        headers = {"authorization": f"Bearer {greta.key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{server.url}/facades/ledger/mcp", http_client=http)) as client,
        ):
            tools = await client.list_tools()
            return {tool.name for tool in tools.tools}, await client.call_tool("account", {"number": 20})

    tools, told = asyncio.run(asked())
    assert {name for name in tools if "." not in name} == {"account", "open_account", "post_amount"}
    assert told.structured_content == {"number": 20, "owner": "Eve", "balance": 10}

    document = greta.get("/facades/ledger/openapi.json")
    assert set(document["paths"]) == {"/accounts", "/accounts/{number}", "/accounts/{number}/postings"}
    OpenAPIV31SpecValidator(document).validate()


@needs_compiler
def test_program_and_file_hold_no_trace_of_it(house: tuple[Server, Caller]) -> None:
    server, greta = house
    used(greta, "open_account", account=9, owner="Dan")
    folder = server.root / "legacy"
    assert {path.name for path in folder.iterdir()} == {"ledger", "ledger.cob", "accounts.idx"}
    assert (folder / "ledger.cob").read_bytes() == (EXAMPLE / "legacy" / "ledger.cob").read_bytes()
    for path in folder.iterdir():
        assert b"interlock" not in path.read_bytes().lower()
