"""A bare client of the Model Context Protocol: it calls a tool, and follows the action until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from examples.clients.desk import Desk

OVER = ("succeeded", "failed", "denied", "cancelled", "drafted", "shadowed")


@asynccontextmanager
async def client_at(desk: Desk) -> AsyncIterator[Client]:
    """Return a client of Interlock's own MCP server, in the desk's session."""
    headers = {"Authorization": f"Bearer {desk.key}", "Interlock-Session": desk.session}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{desk.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool. A wait is no error: the result has `state: waiting` and the action's id in `action`."""
    result = await client.call_tool(tool, arguments)
    found: dict[str, Any] = result.structured_content or {}
    return found


async def follow(client: Client, action: str, *, every: float = 1.0) -> dict[str, Any]:
    """Ask where an action stands until it is over, and return that."""
    while True:
        result = await client.call_tool("interlock.action_status", {"action": action})
        found: dict[str, Any] = result.structured_content or {}
        if found["state"] in OVER:
            return found
        await asyncio.sleep(every)
