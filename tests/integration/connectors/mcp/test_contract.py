"""The `mcp` connector keeps the contract of connectors over both transports."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig, over_http
from interlock.testing.servers import Received, ScriptedServer, free_port, head, resets
from tests.integration.connectors.mcp.test_mcp import UPSTREAM, listening, pinned
from tests.integration.connectors.mcp.upstream import server

PRETENDER = Path(__file__).parent / "pretender.py"


class Mcp(ConnectorContract):
    """What both transports share."""

    plugin = "interlock.integration.connectors.mcp:plugin"
    drivers = ("mcp", "mcp_types", "anyio")

    async def system(self, root: Path, connection: Mapping[str, Any]) -> dict[str, Any]:
        (root / "tools.json").write_bytes(orjson.dumps(await pinned(server(root / "effects"))))
        return {
            "system": "helpdesk",
            "connector": "mcp",
            "connection": {"tools": "tools.json"} | dict(connection),
            "limits": {"response": "64KiB", "timeout": "30s"},
            "operations": {
                "read": {"from": "get_ticket", "effect": "read"},
                "write": {"from": "make_ticket", "effect": "write"},
            },
        }

    def counted(self, root: Path) -> Callable[[], int]:
        file = root / "effects"
        return lambda: len(file.read_text().splitlines()) if file.exists() else 0


class TestMcpOverStdio(Mcp):
    """A program that opens its session well, and treats only `tools/call` as the condition says."""

    conditions = BASIC | {
        Condition.slow,
        Condition.truncated,
        Condition.garbled,
        Condition.mistyped,
        Condition.changed,
    }

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        program = [str(UPSTREAM), str(root / "effects")]
        if condition is Condition.changed:
            program = [*program, "extra"]
        elif condition is Condition.refused:
            program = [str(root / "none.py")]
        elif condition is not Condition.working:
            program = [str(PRETENDER), condition, str(root / "effects")]
        connection = {"command": [sys.executable, *program], "env": {"TOKEN": "secret:crm"}}
        system = await self.system(root, connection)
        yield Rig(system, {"id": 1}, {"text": "x"}, {"crm": "hidden-token"}, self.counted(root))


class TestMcpOverHttp(Mcp):
    """A server that opens sessions well, and treats only `tools/call` as the condition says."""

    conditions = frozenset(Condition) - {Condition.slow, Condition.unending}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        async with self.upstream(condition, root) as url:
            system = await self.system(root, {"url": url, "auth": {"bearer": "secret:crm"}})
            yield Rig(system, {"id": 1}, {"text": "x"}, {"crm": "hidden-token"}, self.counted(root))

    def upstream(self, condition: Condition, root: Path) -> AbstractAsyncContextManager[str]:
        if condition in {Condition.working, Condition.changed}:
            return listening(server(root / "effects", extra=condition is Condition.changed))
        return pretending(condition)


@asynccontextmanager
async def pretending(condition: Condition) -> AsyncIterator[str]:
    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        message = request.json()
        if message["method"] == "tools/call":
            await over_http(condition, resets())(request, writer)
        elif message["method"] == "initialize":
            result = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "x", "version": "1"},
            }
            content = orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
            lines = {"content-type": "application/json", "content-length": str(len(content))}
            writer.write(head(200, lines) + content)
        else:
            writer.write(head(202 if "id" not in message else 404, {"content-length": "0"}))

    async with ScriptedServer(behave) as listener:
        port = free_port() if condition is Condition.refused else listener.port
        yield f"http://127.0.0.1:{port}/mcp"


del Mcp
