"""Systems that hang, lie, redirect, flood and break off, behind the whole server: each action ends, with its code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from interlock.testing import servers
from interlock.testing.servers import Behaviour, Received, ScriptedServer
from tests.journeys.hostile.conftest import CREDIT
from tests.journeys.place import TOKENS, Place, place

THING = {"id": "T-1"}
TEN_GIGABYTES = 10 << 30
GROWTH = 48 << 20

# What the system does: what becomes of a read, what of a write, and the code that says why.
CASES: dict[str, tuple[Behaviour, str, str, str]] = {
    "hangs": (servers.hangs(), "failed", "in_doubt", "timed_out"),
    "drips": (servers.streams(b" ", pause=0.05), "failed", "in_doubt", "timed_out"),
    "lies about the shape": (servers.answers(200, {"name": "x"}), "failed", "in_doubt", "result_breaks_contract"),
    "lies about the type": (servers.answers(200, {"id": 5}), "failed", "in_doubt", "result_breaks_contract"),
    "adds members": (servers.answers(200, {**THING, "admin": True}), "failed", "in_doubt", "result_breaks_contract"),
    "answers HTML": (
        servers.answers(200, b"<html>ok</html>", media_type="text/html"),
        "failed",
        "in_doubt",
        "result_breaks_contract",
    ),
    "says JSON and is not": (servers.answers(200, b"{'id'"), "failed", "in_doubt", "result_breaks_contract"),
    "nests without end": (servers.answers(200, b"[" * 30_000), "failed", "in_doubt", "result_breaks_contract"),
    "redirects, perhaps done": (servers.redirects(302, "http://127.0.0.1:1/"), "failed", "in_doubt", "redirected"),
    "redirects, not done": (servers.redirects(307, "http://127.0.0.1:1/"), "failed", "failed", "redirected"),
    "streams for ever": (servers.streams(), "failed", "in_doubt", "response_too_large"),
    "sends a bomb": (servers.streams(packed=True), "failed", "in_doubt", "response_too_large"),
    "answers ten gigabytes": (servers.announces(TEN_GIGABYTES), "failed", "in_doubt", "response_too_large"),
    "resets": (servers.resets(), "failed", "in_doubt", "connection_lost"),
    "cuts off": (servers.cuts_off(), "failed", "in_doubt", "connection_lost"),
    "speaks no HTTP": (servers.says(b"220 smtp ready\r\n"), "failed", "in_doubt", "response_unreadable"),
    "fails": (servers.answers(500, {"title": "oh no"}), "failed", "in_doubt", "system_error"),
    "refuses": (servers.answers(422, {"title": "no"}), "failed", "failed", "refused"),
    "denies us": (servers.answers(403), "failed", "failed", "access_denied"),
}
OPERATIONS = {"shady.look": {"id": "T-1"}, "shady.put": {"id": "T-1", "text": "hello"}}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, int]]:
    folder: Path = tmp_path_factory.mktemp("shady")
    port = servers.free_port()
    with place(folder, {"SHADY_URL": f"http://127.0.0.1:{port}"}) as found:
        yield found, port
        action = found["helper"].propose(found.session(), "billing.credit", CREDIT)
        assert action["state"] == "succeeded", "one bad system spoils the others"
        assert found["ada"].post("/v1/journal/verify")["ok"]
        found.server.stop()
        assert found.server.verify()["ok"]
        assert "Traceback" not in found.server.log.read_text("utf-8", "replace")


async def propose(town: Place, operation: str) -> dict[str, Any]:
    session = await asyncio.to_thread(town.session)
    return await asyncio.to_thread(town["helper"].propose, session, operation, OPERATIONS[operation])


@pytest.mark.parametrize("case", CASES)
async def test_an_action_ends_whatever_its_system_does(town: tuple[Place, int], case: str) -> None:
    behaviour, of_read, of_write, code = CASES[case]
    found, port = town
    server = psutil.Process(found.server.pid)
    async with ScriptedServer(behaviour, port=port) as system:
        await propose(found, "shady.look")  # warm, so that what is measured is this system's doing
        before = server.memory_info().rss
        read = await propose(found, "shady.look")
        calls = len(system.received)
        write = await propose(found, "shady.put")
        assert len(system.received) == calls + 1, "a write was repeated, or another address was called"
    assert (read["state"], read["problem"]["code"]) == (of_read, code), read
    assert (write["state"], write["problem"]["code"]) == (of_write, code), write
    assert read["problem"]["detail"]
    assert server.memory_info().rss - before < GROWTH


async def test_a_system_that_is_not_there_was_certainly_not_called(town: tuple[Place, int]) -> None:
    found, _ = town
    for operation in OPERATIONS:
        action = await propose(found, operation)
        assert (action["state"], action["problem"]["code"]) == ("failed", "unreachable")


async def test_what_is_in_doubt_is_a_work_item_that_a_person_can_close(town: tuple[Place, int]) -> None:
    found, port = town
    async with ScriptedServer(servers.resets(), port=port):
        action = await propose(found, "shady.put")

    def close() -> dict[str, Any]:
        waiting = {item["id"] for item in found["lena"].actions(state="in_doubt")}
        assert action["id"] in waiting
        finding = {"outcome": "failed", "comment": "It is not there"}
        resolved: dict[str, Any] = found["lena"].post(f"/v1/actions/{action['id']}/resolve", finding)
        return resolved

    assert (await asyncio.to_thread(close))["state"] == "failed"


async def test_our_own_secret_thrown_back_at_us_goes_no_further(town: tuple[Place, int]) -> None:
    found, port = town
    secret = TOKENS["INTERLOCK_SECRET_SHADY"]

    async def echo(request: Received, writer: asyncio.StreamWriter) -> None:
        heard = request.headers["authorization"]
        body = {"title": heard, "code": heard, "detail": heard, "error": {"code": heard, "message": heard}}
        await servers.answers(422, body)(request, writer)

    async with ScriptedServer(echo, port=port) as system:
        action = await propose(found, "shady.put")
        assert secret in system.received[-1].headers["authorization"]
    record = await asyncio.to_thread(found["ada"].get, f"/v1/journal/{action['id']}")
    assert action["state"] == "failed"
    assert secret not in str(action) + str(record) + found.server.last_words()
