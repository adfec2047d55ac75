"""The HTTP client beside servers that misbehave: bounded, honest about what was sent, never repeating."""

from __future__ import annotations

import contextlib
import gzip
import socket
from typing import Any

import pytest

from interlock.foundation.http import (
    HttpClient,
    HttpClosed,
    HttpFailure,
    HttpLost,
    HttpRequest,
    HttpTimedOut,
    HttpUnreachable,
    ResponseTooLarge,
    ResponseUnreadable,
)
from interlock.testing.servers import (
    Behaviour,
    ScriptedServer,
    announces,
    answers,
    cuts_off,
    free_port,
    hangs,
    in_turn,
    redirects,
    resets,
    says,
    streams,
)


def request(server: ScriptedServer, method: str = "GET", path: str = "/", **more: Any) -> HttpRequest:
    return HttpRequest(method, server.url + path, **{"timeout": 5.0, "max_bytes": 100_000} | more)


async def fails(client: HttpClient, behaviour: Behaviour, kind: type[HttpFailure], **more: Any) -> HttpFailure:
    async with ScriptedServer(behaviour) as server:
        with pytest.raises(kind) as failure:
            await client.send(request(server, **more))
    assert len(server.received) == 1, "a request was repeated"
    return failure.value


async def test_an_exchange_is_sent_and_returned_as_it_is(client: HttpClient) -> None:
    async with ScriptedServer(answers(422, {"a": 1}, headers={"Retry-After": "3"})) as server:
        response = await client.send(
            request(server, "POST", "/a%2Fb/..%20c?d=%C3%A9", headers={"X-Y": "z"}, body=b"{}")
        )
    assert (response.status, response.body, response.is_json) == (422, b'{"a": 1}', True)
    assert response.headers["retry-after"] == "3"
    [received] = server.received
    assert (received.method, received.target, received.body) == ("POST", "/a%2Fb/..%20c?d=%C3%A9", b"{}")
    assert received.headers["x-y"] == "z"


async def test_connections_are_reused(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        for _ in range(5):
            await client.send(request(server))
    assert (server.connections, len(server.received)) == (1, 5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_returned_not_followed(client: HttpClient, status: int) -> None:
    async with (
        ScriptedServer(answers(200, {})) as other,
        ScriptedServer(redirects(status, other.url)) as server,
    ):
        assert (await client.send(request(server))).status == status
    assert not other.received


async def test_cookies_are_not_kept(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {}, headers={"set-cookie": "s=1; Path=/"})) as server:
        await client.send(request(server))
        await client.send(request(server))
    assert "cookie" not in server.received[1].headers


async def test_proxies_of_the_environment_are_not_used(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedServer(answers(200, {})) as proxy, ScriptedServer(answers(204)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await client.send(request(server))).status == 204
    assert not proxy.received


async def test_nobody_listening_is_certainly_not_sent(client: HttpClient) -> None:
    with pytest.raises(HttpUnreachable) as failure:
        await client.send(HttpRequest("POST", f"http://127.0.0.1:{free_port()}/", body=b"x"))
    assert not failure.value.sent


async def test_an_unknown_name_is_certainly_not_sent(client: HttpClient) -> None:
    with pytest.raises(HttpFailure) as failure:
        await client.send(HttpRequest("GET", "http://no-such-host.invalid/", timeout=5.0))
    assert not failure.value.sent


async def test_a_header_with_a_line_break_is_never_sent(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        with pytest.raises(HttpUnreachable) as failure:
            await client.send(request(server, headers={"X-A": "b\r\nX-C: d"}))
    assert not failure.value.sent
    assert not server.received


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_broken_connection_is_told_and_not_repeated(client: HttpClient, method: str) -> None:
    failure = await fails(client, resets(), HttpLost, method=method, body=b"x")
    assert failure.sent
    assert not failure.begun


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_kept_connection_that_breaks_is_not_repeated(client: HttpClient, method: str) -> None:
    async with ScriptedServer(in_turn(answers(200, {}), resets())) as server:
        await client.send(request(server))
        with pytest.raises(HttpLost):
            await client.send(request(server, method))
    assert len(server.received) == 2


async def test_an_answer_that_ends_early_is_lost(client: HttpClient) -> None:
    failure = await fails(client, cuts_off(), HttpLost)
    assert failure.sent
    assert failure.begun


async def test_a_connection_that_is_not_made_within_its_own_limit_is_certainly_not_sent(client: HttpClient) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        with contextlib.ExitStack() as queued:
            for _ in range(8):  # more than its queue holds, so that the next connection is never made
                waiting = queued.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
            with pytest.raises(HttpTimedOut) as failure:
                await client.send(HttpRequest("GET", f"http://127.0.0.1:{address[1]}/", timeout=30.0, connect=0.2))
    assert (failure.value.sent, failure.value.details["limit"]) == (False, 0.2)


async def test_a_server_that_never_answers_is_given_up_on(client: HttpClient) -> None:
    failure = await fails(client, hangs(), HttpTimedOut, timeout=0.2)
    assert failure.sent


async def test_a_server_that_drips_is_given_up_on(client: HttpClient) -> None:
    assert (await fails(client, streams(b" ", pause=0.02), HttpTimedOut, timeout=0.3)).sent


@pytest.mark.parametrize("behaviour", [streams(), announces(10_000_000_000), streams(b" " * 10_000_000, packed=True)])
async def test_an_answer_without_end_is_dropped(client: HttpClient, behaviour: Behaviour) -> None:
    failure = await fails(client, behaviour, ResponseTooLarge)
    assert failure.details["limit"] == 100_000


async def test_a_small_packed_answer_does_not_become_a_huge_one(client: HttpClient) -> None:
    bomb = gzip.compress(b" " * 50_000_000, mtime=0)
    assert len(bomb) < 100_000
    await fails(client, answers(200, bomb, headers={"content-encoding": "gzip"}), ResponseTooLarge)


async def test_a_packed_answer_is_unpacked(client: HttpClient) -> None:
    packed = answers(200, gzip.compress(b'{"a": 1}', mtime=0), headers={"content-encoding": "gzip"})
    async with ScriptedServer(packed) as server:
        assert (await client.send(request(server))).body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"nonsense", "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip"),
        (b"x", "br"),
        (gzip.compress(b"{}", mtime=0) + b"x", "gzip"),
    ],
)
async def test_an_answer_packed_wrongly_is_unreadable(client: HttpClient, body: bytes, encoding: str) -> None:
    await fails(client, answers(200, body, headers={"content-encoding": encoding}), ResponseUnreadable)


@pytest.mark.parametrize(
    "text",
    [b"SSH-2.0-nothing\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n"],
)
async def test_what_is_not_http_is_unreadable(client: HttpClient, text: bytes) -> None:
    assert (await fails(client, says(text), ResponseUnreadable)).sent


async def test_a_client_that_is_not_open_sends_nothing() -> None:
    client = HttpClient()
    with pytest.raises(HttpClosed):
        await client.send(HttpRequest("GET", "http://127.0.0.1:1/"))
    await client.open()
    await client.close()
    await client.close()
    with pytest.raises(HttpClosed):
        await client.send(HttpRequest("GET", "http://127.0.0.1:1/"))


def test_requests_do_not_show_what_they_carry() -> None:
    shown = repr(HttpRequest("POST", "http://a/", {"Authorization": "Bearer hidden"}, b"hidden"))
    assert "hidden" not in shown
