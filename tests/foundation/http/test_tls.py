"""Certificates are verified, by the name that was asked for, before anything is sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.http import HttpClient, HttpLost, HttpRequest, HttpUnreachable
from interlock.testing.servers import ScriptedServer, answers, cuts_off, in_turn, streams
from tests.foundation.http.certificates import certificate
from tests.foundation.http.conftest import until


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def served(file: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    return tls


@pytest.fixture
def trust(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(file))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name stands for this machine."""

    def resolve(_: Any, port: Any, *__: Any, **___: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def get(url: str) -> HttpRequest:
    return HttpRequest("GET", url, timeout=5.0)


async def test_certificates_are_verified(client: HttpClient, served: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with ScriptedServer(answers(200, {}), tls=served) as server:
        with pytest.raises(HttpUnreachable, match="cannot be trusted") as failure:
            await client.send(get(server.url))
        assert not failure.value.sent
        assert not server.received
        async with HttpClient(trust=trust) as trusting:
            assert (await trusting.send(get(server.url))).status == 200


async def test_the_name_that_was_asked_for_is_verified(
    served: ssl.SSLContext, trust: ssl.SSLContext, names: None
) -> None:
    asked: list[str | None] = []
    served.sni_callback = lambda _, name, __: asked.append(name)
    async with ScriptedServer(answers(200, {}), tls=served) as server, HttpClient(trust=trust) as client:
        for host in ("erp.localhost", "erp.localhost."):
            assert (await client.send(get(f"https://{host}:{server.port}/"))).status == 200
        with pytest.raises(HttpUnreachable, match="cannot be trusted"):
            await client.send(get(f"https://other.localhost:{server.port}/"))
    assert asked == ["erp.localhost", "erp.localhost", "other.localhost"]
    assert len(server.received) == 2


async def test_a_server_without_tls_is_not_spoken_to(client: HttpClient) -> None:
    received = b""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        received = await reader.read(1 << 16)
        writer.write(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    with pytest.raises(HttpUnreachable, match="cannot be trusted") as failure:
        await client.send(get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/secret"))
    assert not failure.value.sent
    assert b"secret" not in received
    server.close()


async def test_connections_are_kept_streamed_and_left_as_others(served: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    behaviour = in_turn(answers(200, {}), answers(200, {}), streams(), cuts_off(), answers(200, {}))
    async with ScriptedServer(behaviour, tls=served) as server, HttpClient(trust=trust) as client:
        for _ in range(2):
            assert (await client.send(get(server.url))).body == b"{}"
        assert server.connections == 1
        async with client.stream(get(server.url)) as stream:
            assert await anext(stream.parts())
        with pytest.raises(HttpLost):
            await client.send(get(server.url))
        assert (await client.send(get(server.url))).body == b"{}"
    assert server.connections == 3


async def test_a_handshake_that_is_cancelled_leaves_nothing(client: HttpClient) -> None:
    met = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        await reader.read()
        writer.close()
        left.set()

    left = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    asked = asyncio.create_task(client.send(get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")))
    await met.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until(left.is_set)
    assert client._opened()._total == 0
    server.close()
