"""The official client of the protocol, unchanged, in both revisions and over stdio."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import mcp_types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.experience.mcp.conftest import Shop

BRIDGE = """
import asyncio, sys
from interlock.experience.mcp.stdio import bridge
asyncio.run(bridge(sys.argv[1], sys.argv[2], sys.stdin.buffer, sys.stdout.buffer))
"""


class Person:
    """Answers every form, and keeps what was asked."""

    def __init__(self, action: Literal["accept", "decline", "cancel"] = "accept") -> None:
        self.action = action
        self.read: list[str] = []

    async def __call__(self, _: Any, params: Any) -> mcp_types.ElicitResult:
        self.read.append(params.message)
        yes = self.action == "accept"
        return mcp_types.ElicitResult(action=self.action, content={"confirm": True} if yes else None)


@asynccontextmanager
async def connected(url: str, key: str, *, stdio: bool = False, **given: Any) -> AsyncIterator[Client]:
    if stdio:
        parameters = StdioServerParameters(command=sys.executable, args=["-c", BRIDGE, url, key])
        async with Client(parameters, **given) as client:
            yield client
        return
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http,
        Client(streamable_http_client(url, http_client=http), **given) as client,
    ):
        yield client


@pytest.mark.parametrize("stdio", [False, True], ids=["http", "stdio"])
@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_it_connects_lists_and_calls(shop: Shop, url: str, mode: str, version: str, stdio: bool) -> None:
    async with connected(url, shop.keys["clerk"], stdio=stdio, mode=mode) as client:
        assert client.protocol_version == version
        listed = await client.list_tools()
        assert "shop.get_order" in [tool.name for tool in listed.tools]
        read = await client.call_tool("shop.get_order", {"id": 1})
        assert read.structured_content == {"id": 1, "customer": "ALFKI", "total": 12.5}
        many = await client.call_tool("shop.list_orders", {"customer": "ALFKI"})
        assert many.structured_content is not None
        assert len(many.structured_content["result"]) == 2
        refused = await client.call_tool("shop.drop_order", {"id": 1})
        assert refused.is_error
        waiting = await client.call_tool("shop.close_order", {"id": 1})
        assert not waiting.is_error
        assert waiting.structured_content is not None
        handle = {"action": waiting.structured_content["action"]}
        assert (
            await client.call_tool("interlock.action_status", handle)
        ).structured_content == waiting.structured_content
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("shop.nothing", {})


@pytest.mark.parametrize("stdio", [False, True], ids=["http", "stdio"])
async def test_a_person_completes_a_waiting_action_by_answering_the_form(shop: Shop, url: str, stdio: bool) -> None:
    person = Person()
    async with connected(url, shop.keys["ada"], stdio=stdio, elicitation_callback=person) as client:
        done = await client.call_tool("shop.set_note", {"id": 1, "note": "fragile"})
    assert not done.is_error
    assert shop.order(1) == ("fragile", 0)
    assert len(person.read) == 1
    assert '"note": "fragile"' in person.read[0]


async def test_a_person_who_declines_ends_it(shop: Shop, url: str) -> None:
    async with connected(url, shop.keys["ada"], elicitation_callback=Person("decline")) as client:
        result = await client.call_tool("shop.set_note", {"id": 1, "note": "fragile"})
    assert result.is_error
    assert shop.order(1) == ("", 0)


async def test_an_agents_key_is_never_asked_though_its_client_would_answer(shop: Shop, url: str) -> None:
    person = Person()
    async with connected(url, shop.keys["clerk"], elicitation_callback=person) as client:
        result = await client.call_tool("shop.set_note", {"id": 1, "note": "fragile"})
    assert result.structured_content is not None
    assert result.structured_content["waiting_for"] == ["confirm"]
    assert person.read == []
    assert shop.order(1) == ("", 0)


async def test_the_older_revision_gets_a_handle_instead_of_a_question(shop: Shop, url: str) -> None:
    async with connected(url, shop.keys["ada"], mode="legacy", elicitation_callback=Person()) as client:
        result = await client.call_tool("shop.set_note", {"id": 1, "note": "fragile"})
    assert result.structured_content is not None
    assert result.structured_content["waiting_for"] == ["confirm"]


@pytest.mark.parametrize("stdio", [False, True], ids=["http", "stdio"])
async def test_a_wrong_key_is_told_as_such(shop: Shop, url: str, stdio: bool) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(MCPError, match="no credential"), allow_unwrapped=True, flatten_subgroups=True
    ):
        async with connected(url, "ik_wrong", stdio=stdio):
            pass
