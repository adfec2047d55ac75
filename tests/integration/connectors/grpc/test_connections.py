"""Connections to systems that speak gRPC: none, lost, closed, and asked for their health."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop

from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN
from interlock.testing.servers import free_port
from tests.integration.connectors.grpc.calling import PLACED, code, connected, working, write
from tests.integration.connectors.grpc.shop import TOKEN, Shop, files
from tests.integration.connectors.grpc.wire import GOOD, Stream, breaking, said

Code = grpc.StatusCode


async def test_a_server_that_says_nothing_at_all_was_sent_nothing(tmp_path: Path) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.transport.abort()

    released = asyncio.Event()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        async with connected(tmp_path, listener.sockets[0].getsockname()[1]) as connector:
            started = time.monotonic()
            answer = await connector.call("write", PLACED, key="", timeout=1.0)
            assert time.monotonic() - started < 30
            assert (answer.status, code(answer), answer.sent) == (FAILED, "unreachable", False)
        released.set()


async def test_a_server_of_http_1_was_sent_nothing(tmp_path: Path) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(old, "127.0.0.1", 0)
    async with listener, connected(tmp_path, listener.sockets[0].getsockname()[1]) as connector:
        answer = await connector.call("write", PLACED, key="", timeout=5)
        assert (answer.status, answer.sent) == (FAILED, False)


async def test_a_system_that_comes_back_is_found_by_the_next_call(tmp_path: Path) -> None:
    service, port = Shop(files(tmp_path)), free_port()
    async with connected(tmp_path, port) as connector:
        away = await write(connector)
        assert (away.status, away.sent, away.transient) == (FAILED, False, True)
        assert "refused" in str(away.problem)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((service,))
        assert server.add_insecure_port(f"127.0.0.1:{port}") == port
        await server.start()
        assert (await write(connector)).succeeded
        await server.stop(None)
        # Whether the connection knows already that its server has gone, is a race that the server decides. The call
        # that finds it out may be in doubt; then there is nothing that a call could be sent to.
        for gone in [await write(connector) for _ in range(3)]:
            assert (gone.status, gone.sent) in {(UNKNOWN, True), (FAILED, False)}
        assert (gone.status, gone.sent) == (FAILED, False)
    assert service.effects == 1


async def test_closing_under_a_call_leaves_a_write_in_doubt(tmp_path: Path) -> None:
    asked = asyncio.Event()

    def behave(stream: Stream) -> None:
        stream.headers(GOOD)
        asked.set()

    async with breaking(behave) as port, connected(tmp_path, port) as connector:
        call = asyncio.create_task(connector.call("write", PLACED, key="", timeout=30))
        await asked.wait()
        await connector.close()
        answer = await call
        assert (answer.status, code(answer)) == (UNKNOWN, "connection_lost")


async def test_closing_while_it_connects_sends_nothing(tmp_path: Path) -> None:
    connecting, released = asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connecting.set()
        await released.wait()
        writer.transport.abort()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listener, connected(tmp_path, listener.sockets[0].getsockname()[1]) as connector:
        call = asyncio.create_task(connector.call("write", PLACED, key="", timeout=30))
        await connecting.wait()
        await connector.close()
        answer = await call
        assert (answer.status, code(answer), answer.sent) == (FAILED, "unreachable", False)
        released.set()


async def test_a_closed_connector_sends_nothing_until_it_is_opened(tmp_path: Path) -> None:
    async with working(tmp_path) as (service, connector):
        assert (await write(connector)).succeeded
        await connector.close()
        answer = await write(connector)
        assert (answer.status, answer.sent, service.effects) == (FAILED, False, 1)
        await connector.open()
        assert (await write(connector)).succeeded


@pytest.mark.parametrize(
    ("health", "refusal", "status"),
    [
        (b"\x08\x01", None, SUCCEEDED),
        (b"\x08\x02", None, FAILED),
        (None, None, SUCCEEDED),
    ],
)
async def test_the_probe_asks_for_health(tmp_path: Path, health: bytes | None, refusal: Any, status: str) -> None:
    async with working(tmp_path) as (service, connector):
        service.health, service.refusal = health, refusal
        assert (await connector.probe(timeout=30)).status == status
        assert health is None or service.seen["authorization"] == f"Bearer {TOKEN}"


async def test_the_probe_says_that_we_are_not_let_in(tmp_path: Path) -> None:
    async with breaking(said("16")) as port, connected(tmp_path, port) as connector:
        assert code(await connector.probe(timeout=30)) == "access_denied"


def test_the_loop_of_the_server_serves_too(tmp_path: Path) -> None:
    async def one() -> list[str]:
        async with working(tmp_path) as (_, connector):
            answers = await asyncio.gather(*(write(connector) for _ in range(20)))
            return [answer.status for answer in answers]

    assert uvloop.run(one()) == [SUCCEEDED] * 20
