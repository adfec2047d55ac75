"""A `files` system of a test: declared, built, called."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.files import plugin
from interlock.integration.systems import Answer, Description, Ports, SystemDeclaration
from interlock.integration.systems.declarations import declare
from tests.integration.connectors.files.servers import PASSWORD, USER, Server

PATIENCE = 30.0
COLUMNS: dict[str, Any] = {"id": "integer", "name": "string?", "amount": "decimal?"}


def folder(kind: str = "csv", path: str = "in", **more: Any) -> dict[str, Any]:
    """Return a declared folder of *kind*; keys of the format are prefixed with `format_`."""
    form = {name.removeprefix("format_"): more.pop(name) for name in list(more) if name.startswith("format_")}
    return {"path": path, "format": {"kind": kind, **form}, "columns": COLUMNS, "key": ["id"], **more}


def operations(*names: str) -> dict[str, Any]:
    """Return the verbs over folders `one` (and `two`), those that are named."""
    every: dict[str, Any] = {
        "list": {"from": "list one", "effect": "read"},
        "rows": {"from": "rows one", "effect": "read"},
        "record": {"from": "record one", "effect": "read"},
        "append": {"from": "append one", "effect": "write", "idempotent": True},
        "write": {"from": "write one", "effect": "write", "idempotent": True},
        "replace": {"from": "write one", "effect": "write", "options": {"existing": "replace"}},
        "move": {"from": "move one two", "effect": "write", "idempotent": True},
    }
    return {name: every[name] for name in names or every}


def system(one: Mapping[str, Any], *names: str, place: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return the content of a system file."""
    folders = {"one": dict(one), "two": {"path": "done"}}
    connection = {"place": dict(place or {"local": "files"}), "state": "state", "folders": folders, **more}
    return {"system": "files", "connector": "files", "connection": connection, "operations": operations(*names)}


def sftp(server: Server, **more: Any) -> dict[str, Any]:
    """Return the place that *server* is."""
    written = {"host": "127.0.0.1", "port": server.port, "username": USER, "host_key": server.host_key, "path": "/"}
    return {"sftp": {**written, "password": "secret:sftp", **more}}


def described(content: Mapping[str, Any], root: Path) -> tuple[SystemDeclaration, Description]:
    """Return the declaration in *content* and what the plug-in says of it."""
    declared = declare(parse_document(json.dumps(content).encode(), "system", environment={}))
    return declared, plugin.describe(declared, root)


def refused(answer: Answer) -> dict[str, Any]:
    """Return what is wrong with a call that failed for sure."""
    assert answer.status == "failed", answer
    assert answer.problem is not None
    assert answer.output is None
    return answer.problem


class Caller:
    """Calls operations of one connector."""

    def __init__(self, connector: Any) -> None:
        self.connector = connector

    async def __call__(self, operation: str, *, key: str = "", **arguments: Any) -> Answer:
        answer: Answer = await self.connector.call(operation, arguments, key=key, timeout=PATIENCE)
        return answer

    async def output(self, operation: str, *, key: str = "", **arguments: Any) -> Any:
        """Return the output of a call that succeeds."""
        answer = await self(operation, key=key, **arguments)
        assert answer.succeeded, answer.problem
        return answer.output

    async def problem(self, operation: str, *, key: str = "", **arguments: Any) -> dict[str, Any]:
        """Return what is wrong with a call that fails for sure."""
        return refused(await self(operation, key=key, **arguments))


@asynccontextmanager
async def calling(content: Mapping[str, Any], root: Path, **secrets: str) -> AsyncIterator[Caller]:
    """Build and open the connector of the system in *content*."""
    for name in ("in", "done"):
        (root / "files" / name).mkdir(parents=True, exist_ok=True)
    declared, description = described(content, root)
    assert not description.troubles, description.troubles
    environment = {f"INTERLOCK_SECRET_{name.upper()}": text for name, text in {"sftp": PASSWORD, **secrets}.items()}
    async with HttpClient() as http:
        ports = Ports(http, SecretStore.standard(environment=environment), root)
        connector = plugin.build(declared, description.definitions, ports)
        await connector.open()
        try:
            yield Caller(connector)
        finally:
            await connector.close()
