"""The bridge from stdio: each line to the server and its answer back, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import orjson
import pytest

from interlock.experience.mcp.stdio import LONGEST_LINE, bridge
from interlock.testing.servers import Received, ScriptedServer, answers, free_port, hangs, in_turn, resets

KEY = "ik_test"


class Host:
    """What starts the bridge: writes lines to it and reads what it says."""

    def __init__(self, to: BinaryIO, said: BinaryIO) -> None:
        self._to = to
        self._said = said

    def say(self, *messages: Any) -> None:
        for message in messages:
            self._to.write(message if isinstance(message, bytes) else orjson.dumps(message) + b"\n")
        self._to.flush()

    def end(self) -> None:
        self._to.close()

    async def hear(self) -> Any:
        return orjson.loads(await asyncio.to_thread(self._said.readline))

    async def rest(self) -> bytes:
        return await asyncio.to_thread(self._said.read)


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Host]:
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    with (
        os.fdopen(in_read, "rb") as stdin,
        os.fdopen(in_write, "wb") as to,
        os.fdopen(out_read, "rb") as said,
        os.fdopen(out_write, "wb") as stdout,
    ):
        task = asyncio.create_task(bridge(url, KEY, stdin, stdout))
        task.add_done_callback(lambda _: stdout.close())
        yield Host(to, said)
        to.close()
        await task


def request(number: Any, method: str = "ping", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def reply(number: Any = 1, **result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


async def test_a_request_is_carried_with_the_key_and_its_answer_comes_back() -> None:
    async with ScriptedServer(answers(200, reply(5))) as server, running(server.url) as host:
        host.say(request(5))
        assert await host.hear() == reply(5)
        sent = server.received[0]
        assert (sent.method, sent.target) == ("POST", "/mcp")
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert sent.json() == request(5)


async def test_the_agreed_revision_is_named_from_the_handshake_on() -> None:
    agreed = answers(200, reply(1, protocolVersion="2025-11-25"))
    async with (
        ScriptedServer(in_turn(agreed, answers(202), answers(200, reply(2)))) as server,
        running(server.url) as host,
    ):
        host.say(request(1, "initialize"))
        await host.hear()
        host.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        host.say(request(2, "tools/list"))
        assert (await host.hear())["id"] == 2
        assert "mcp-protocol-version" not in server.received[0].headers
        assert {received.headers["mcp-protocol-version"] for received in server.received[1:]} == {"2025-11-25"}


async def test_a_request_that_speaks_for_itself_gets_the_headers_it_wants() -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    async with ScriptedServer(answers(200, reply())) as server, running(f"{server.url}/mcp") as host:
        host.say(request(1, "tools/call", name="shop.größe", _meta=meta))
        await host.hear()
        headers = server.received[0].headers
        assert headers["mcp-protocol-version"] == "2026-07-28"
        assert headers["mcp-method"] == "tools/call"
        assert headers["mcp-name"].startswith("=?base64?")


async def test_requests_run_side_by_side() -> None:
    async def behave(received: Received, writer: asyncio.StreamWriter) -> None:
        first = received.json()["id"] == 1
        await (hangs() if first else answers(200, reply(2)))(received, writer)

    async with ScriptedServer(behave) as server, running(server.url) as host:
        host.say(request(1), request(2))
        assert (await host.hear())["id"] == 2
        host.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})


async def test_an_error_without_an_id_gets_the_requests() -> None:
    refused = {"jsonrpc": "2.0", "id": None, "error": {"code": -32010, "message": "no"}}
    async with ScriptedServer(answers(401, refused)) as server, running(server.url) as host:
        host.say(request("x"))
        assert await host.hear() == {**refused, "id": "x"}


@pytest.mark.parametrize(
    "behaviour", [answers(502, b"<html>", media_type="text/html"), answers(200, b"{"), answers(200, [1]), resets()]
)
async def test_an_answer_that_is_no_message_is_an_error_to_the_request(behaviour: Any) -> None:
    async with ScriptedServer(behaviour) as server, running(server.url) as host:
        host.say(request(1))
        heard = await host.hear()
        assert heard["id"] == 1
        assert heard["error"]["code"] < 0


async def test_a_server_that_is_not_there() -> None:
    async with running(f"http://127.0.0.1:{free_port()}") as host:
        host.say({"jsonrpc": "2.0", "method": "notifications/initialized"}, request(1))
        heard = await host.hear()
        assert (heard["id"], heard["error"]["data"]["code"]) == (1, "http_unreachable")


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"{\n", -32700, None),
        (b"[]\n", -32600, None),
        (b'{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}\n', -32602, 4),
        (b'"' + b"x" * (LONGEST_LINE + 10) + b'"\n', -32600, None),
    ],
)
async def test_lines_that_are_no_message_are_answered_here(line: bytes, code: int, number: int | None) -> None:
    async with ScriptedServer(answers(200, reply(9))) as server, running(server.url) as host:
        sending = asyncio.to_thread(host.say, line, b"\n", request(9))
        heard, _ = await asyncio.gather(host.hear(), sending)
        assert (heard["error"]["code"], heard["id"]) == (code, number)
        assert (await host.hear())["id"] == 9
        assert len(server.received) == 1


async def test_at_the_end_the_last_answers_are_still_written() -> None:
    async with ScriptedServer(answers(200, reply(1))) as server, running(server.url) as host:
        host.say(request(1))
        host.end()
        assert orjson.loads(await host.rest())["id"] == 1
