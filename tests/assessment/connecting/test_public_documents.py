"""`interlock connect` on public documents: one project of them all, which is valid, and an MCP client can list it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from interlock.app.main import main
from tests.journeys.server import Server

DOCUMENTS = sorted((Path(__file__).parents[1] / "documents").glob("*.json.gz"))
MOST = 40
"""Operations taken of each document, so that the project stays one that a person could review."""

PROJECT = """
name: everything
tenants: [main]
roles: [staff]
people: {ada: {name: Ada, roles: [staff]}}
"""
POLICY = """
@id("everything") @require("confirm")
permit (principal in Role::"staff", action, resource);
"""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, int]:
    """A project of all documents, made by the command line alone, and how many operations it has."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    root = tmp_path_factory.mktemp("everything")
    (root / "interlock.yaml").write_text(PROJECT, "utf-8")
    (root / "policies").mkdir()
    (root / "policies" / "all.cedar").write_text(POLICY, "utf-8")
    operations = 0
    for packed in DOCUMENTS:
        document = root / packed.name.removesuffix(".gz")
        document.write_bytes(gzip.decompress(packed.read_bytes()))
        name = document.name.removesuffix(".json")
        with capture.global_and_fixture_disabled():
            report = _json(["connect", str(document), "--list"], root)
            names = [offer["name"] for offer in report["offers"]][:MOST]
            made = _json(["connect", str(document), "--name", name, "--pick", *names], root)
        assert made["written"], name
        assert made["operations"], (name, made["left_out"])
        operations += len(made["operations"])
        document.unlink()
    return root, operations


def _json(words: list[str], root: Path) -> Any:
    """Run a command and return what it prints as JSON."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main([*words, "--project", str(root), "--json"]) == 0, words
    return json.loads(printed.getvalue())


def test_there_are_enough_documents() -> None:
    assert len(DOCUMENTS) >= 20


def test_the_project_of_all_is_valid(everything: tuple[Path, int]) -> None:
    root, _ = everything
    assert main(["check", str(root)]) == 0


def test_an_mcp_client_lists_every_operation_with_schemas_that_hold(everything: tuple[Path, int]) -> None:
    root, operations = everything
    state = root.parent / "state-of-everything"
    server = Server(root, environment={"INTERLOCK_STATE": str(state)}, log=root.parent / "everything.log")
    key = server.first_key("person", "ada")
    server.start()
    try:
        tools = asyncio.run(_tools(f"{server.url}/mcp", key))
    finally:
        server.kill()
    listed = [tool for tool in tools if not tool.name.startswith("interlock.")]
    assert len(listed) == operations
    for tool in listed:
        assert tool.input_schema["type"] == "object", tool.name
        for schema in (tool.input_schema, tool.output_schema):
            if schema is not None:
                jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
                jsonschema_rs.Draft202012Validator(schema, offline=True)


async def _tools(url: str, key: str) -> list[Any]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        found: list[Any] = (await client.list_tools()).tools
        return found
