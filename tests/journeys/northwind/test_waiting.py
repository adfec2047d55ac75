"""An action that waits is completed from each surface: the official MCP client, plain HTTP, the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestParams, ElicitResult

from examples.northwind.demonstration.rest import Caller
from examples.northwind.demonstration.scene import Scene
from tests.journeys.northwind.command_line import answer, interlock

CREDIT = "billing.create_credit"


def credit(order_id: int, amount: float) -> dict[str, Any]:
    return {"order_id": order_id, "customer_id": "ALFKI", "amount": amount, "reason": "Goods were damaged"}


def opened(scene: Scene, by: str, words: str) -> str:
    """A session for ALFKI that was opened with somebody's words."""
    session = scene.who(by).post("/v1/sessions", agent="support", customer="ALFKI", request=words)
    return str(session["id"])


@asynccontextmanager
async def connected(caller: Caller, session: str, **callbacks: Any) -> AsyncIterator[Client]:
    """The official client, with the caller's key, working in a session."""
    headers = {"Authorization": f"Bearer {caller.key}", "Interlock-Session": session}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{caller.url}/mcp", http_client=http)
        async with Client(transport, **callbacks) as client:
            yield client


async def test_a_person_confirms_in_the_mcp_client(northwind: Scene) -> None:
    asked: list[str] = []

    async def yes(context: Any, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        assert northwind.books.notes(10692) == []
        return ElicitResult(action="accept", content={"confirm": True})

    session = opened(northwind, "laura", "credit 11.00 on order 10692")
    async with connected(northwind.who("laura"), session, elicitation_callback=yes) as client:
        result = await client.call_tool(CREDIT, credit(10692, 11.0))
    assert not result.is_error
    assert len(asked) == 1
    assert "11" in asked[0]
    assert northwind.books.amounts(10692) == [11.0]


async def test_a_person_who_says_no_in_the_mcp_client(northwind: Scene) -> None:
    async def no(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="decline")

    session = opened(northwind, "laura", "credit 12.00 on order 11011")
    async with connected(northwind.who("laura"), session, elicitation_callback=no) as client:
        result = await client.call_tool(CREDIT, credit(11011, 12.0))
    assert result.is_error
    assert northwind.books.notes(11011) == []


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_an_agent_follows_what_it_started_until_somebody_has_approved_it(northwind: Scene, mode: str) -> None:
    order = {"2026-07-28": 10835, "legacy": 10643}[mode]
    session = opened(northwind, "laura", f"credit 75.00 on order {order}")
    async with connected(northwind.who("support"), session, mode=mode) as client:
        waiting = (await client.call_tool(CREDIT, credit(order, 75.0))).structured_content
        assert waiting is not None
        assert waiting["state"] == "waiting"
        assert northwind.books.notes(order) == []
        approval = northwind.approval({"id": waiting["action"]}, "billing-lead")
        answer(northwind, "approvals", "approve", approval["id"], "--yes", "--comment", "Seen", by="steven")
        done = (await client.call_tool("interlock.action_status", {"action": waiting["action"]})).structured_content
    assert done is not None
    assert done["state"] == "succeeded"
    assert northwind.books.amounts(order) == [75.0]


async def test_the_tool_list_holds_what_policies_could_allow(northwind: Scene) -> None:
    session = opened(northwind, "laura", "hello")
    async with connected(northwind.who("support"), session) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert CREDIT in tools
    assert "erp.hold_order" not in tools
    assert "erp.order_lines" not in tools
    annotations = tools["erp.get_order"].annotations
    assert annotations is not None
    assert annotations.read_only_hint


def test_over_plain_http(northwind: Scene) -> None:
    session = opened(northwind, "laura", "credit 60.00 on order 10702")
    body = {"session": session, "operation": CREDIT, "input": credit(10702, 60.0)}
    action = northwind.who("support").post("/v1/actions", **body)
    assert action["state"] == "waiting"
    approval = northwind.approval(action, "billing-lead")
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    northwind.who("steven").post(f"/v1/approvals/{approval['id']}/decide", **verdict)
    assert northwind.who("support").get(f"/v1/actions/{action['id']}")["state"] == "succeeded"
    assert northwind.books.amounts(10702) == [60.0]


def test_on_the_command_line(northwind: Scene) -> None:
    words = "Please ship order 11076 to 24, rue Paradis, 13006 Marseille, France"
    session = northwind.open("laurence", agent="orders-desk")
    turn = northwind.who("portal").post("/v1/ask", agent="orders-desk", session=session, request=words)
    action = turn["steps"][-1]["action"]
    assert action["state"] == "waiting"
    refused = interlock(northwind, "actions", "confirm", action["id"], "--yes", by="desk")
    assert refused.returncode == 1
    assert northwind.books.order(11076)["ship_address"] != "24, rue Paradis"
    assert answer(northwind, "actions", "confirm", action["id"], "--yes", by="laurence")["state"] == "succeeded"
    assert northwind.books.order(11076)["ship_address"] == "24, rue Paradis"
