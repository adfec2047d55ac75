"""A waiting action is completed, by its person and by an approver, through each kind of client; billing judges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.journeys.caller import Caller
from tests.journeys.place import Place, place

CONFIRMED, APPROVED = 75.0, 250.0
ORDERS = count(1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("clients")) as found:
        yield found


def credit(amount: float) -> dict[str, Any]:
    return {"order_id": next(ORDERS), "customer_id": "ALFKI", "amount": amount, "reason": "A broken jar"}


def done(town: Place, arguments: dict[str, Any]) -> int:
    return town.billing.effects("created")[arguments["order_id"]]


def own_session(town: Place) -> str:
    return str(town["carla"].post("/v1/sessions", {"agent": "helper"})["id"])


def approval_of(town: Place, action: str) -> dict[str, Any]:
    found: dict[str, Any] = town["lena"].action(action)["approvals"][0]
    return found


# --- plain HTTP ------------------------------------------------------------------------------------------------------


def test_http_confirm(town: Place) -> None:
    arguments = credit(CONFIRMED)
    action = town["carla"].propose(own_session(town), "billing.credit", arguments)
    assert (action["state"], action["waiting_for"], done(town, arguments)) == ("waiting", ["confirm"], 0)
    confirmed = town["carla"].post(f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]})
    assert (confirmed["state"], done(town, arguments)) == ("succeeded", 1)


def test_http_approval(town: Place) -> None:
    arguments = credit(APPROVED)
    action = town["helper"].propose(town.session(), "billing.credit", arguments)
    assert (action["state"], action["waiting_for"], done(town, arguments)) == ("waiting", ["approval:lead"], 0)
    approval = approval_of(town, action["id"])
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    assert town["luis"].post(f"/v1/approvals/{approval['id']}/decide", verdict)["state"] == "approved"
    assert (town["helper"].action(action["id"])["state"], done(town, arguments)) == ("succeeded", 1)


# --- the command line ------------------------------------------------------------------------------------------------


def run(town: Place, holder: str, *words: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(town.server.command(*words, "--json", key=town[holder].key, code=code).stdout)
    return answer


def test_command_line_confirm(town: Place) -> None:
    arguments = credit(CONFIRMED)
    session = run(town, "carla", "sessions", "open", "--agent", "helper")["id"]
    words = ("call", "billing.credit", "--session", session, "--input", json.dumps(arguments))
    action = run(town, "carla", *words)
    assert (action["state"], done(town, arguments)) == ("waiting", 0)
    assert run(town, "carla", "actions", "confirm", action["id"], "--yes")["state"] == "succeeded"
    assert done(town, arguments) == 1


def test_command_line_approval(town: Place) -> None:
    arguments = credit(APPROVED)
    session = run(town, "portal", "sessions", "open", "--agent", "helper", "--person", "carla")["id"]
    action = run(town, "helper", "call", "billing.credit", "--session", session, "--input", json.dumps(arguments))
    assert (action["state"], done(town, arguments)) == ("waiting", 0)
    waiting = {item["action"]: item["id"] for item in run(town, "lena", "approvals", "list")["items"]}
    assert run(town, "lena", "approvals", "approve", waiting[action["id"]], "--yes")["state"] == "approved"
    assert run(town, "helper", "actions", "show", action["id"])["state"] == "succeeded"
    assert done(town, arguments) == 1


# --- the official client of the Model Context Protocol ---------------------------------------------------------------


@asynccontextmanager
async def connected(town: Place, caller: Caller, session: str, **options: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {caller.key}", "Interlock-Session": session}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{town.server.url}/mcp", http_client=http)
        async with Client(transport, **options) as client:
            yield client


async def test_mcp_confirm(town: Place) -> None:
    arguments, asked = credit(CONFIRMED), list[str]()

    async def yes(context: Any, params: ElicitRequestParams) -> ElicitResult:
        assert done(town, arguments) == 0
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    session = await asyncio.to_thread(own_session, town)
    async with connected(town, town["carla"], session, elicitation_callback=yes) as client:
        result = await client.call_tool("billing.credit", arguments)
    assert (result.is_error, len(asked), done(town, arguments)) == (False, 1, 1)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_mcp_approval(town: Place, mode: str) -> None:
    arguments = credit(APPROVED)
    session = await asyncio.to_thread(town.session)

    def approve(action: str) -> None:
        approval = approval_of(town, action)
        verdict = {"verdict": "approve", "consent": approval["consent"]}
        town["lena"].post(f"/v1/approvals/{approval['id']}/decide", verdict)

    async with connected(town, town["helper"], session, mode=mode) as client:
        waiting = (await client.call_tool("billing.credit", arguments)).structured_content or {}
        assert (waiting["state"], done(town, arguments)) == ("waiting", 0)
        await asyncio.to_thread(approve, waiting["action"])
        status = await client.call_tool("interlock.action_status", {"action": waiting["action"]})
    assert (status.structured_content or {})["state"] == "succeeded"
    assert done(town, arguments) == 1


async def test_an_agents_mcp_client_cannot_answer_for_the_person(town: Place) -> None:
    arguments = credit(CONFIRMED)

    async def yes(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"confirm": True})

    session = await asyncio.to_thread(town.session)
    async with connected(town, town["helper"], session, elicitation_callback=yes) as client:
        result = await client.call_tool("billing.credit", arguments)
    assert (result.structured_content or {})["state"] == "waiting"
    assert done(town, arguments) == 0
