"""One reading of an address decides where a connection goes; what could be read in two ways goes nowhere."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.http import HttpClient, HttpFailure, HttpForbidden, HttpRequest, HttpUnreachable, dialing
from interlock.foundation.http.places import placed
from interlock.testing.servers import ScriptedServer, answers


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("http://erp.example", "erp.example", 80, "erp.example", "/"),
        ("HTTPS://ERP.Example:443/a", "erp.example", 443, "erp.example", "/a"),
        ("https://erp.example:8443?b=c#d", "erp.example", 8443, "erp.example:8443", "/?b=c"),
        ("http://erp.example./a//b/../c%2f?d=/?e", "erp.example.", 80, "erp.example", "/a//b/../c%2f?d=/?e"),
        ("http://a_b:80/", "a_b", 80, "a_b", "/"),
        ("http://[2001:DB8::1]:81/", "2001:db8::1", 81, "[2001:db8::1]:81", "/"),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"),
        ("http://BÜCHER.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"),
        ("http://10.1.2.3/@b", "10.1.2.3", 80, "10.1.2.3", "/@b"),
    ],
)
def test_an_address_says_where_to_go(url: str, host: str, port: int, authority: str, target: str) -> None:
    place, asked = placed(url)
    assert (place.host, place.port, place.authority, asked) == (host, port, authority, target)
    assert place.secure == url.lower().startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///a",
        "http:erp.example/",
        "http:\\\\erp.example/",
        "http://erp.example\\.evil.example/",
        "http://erp.example\t/",
        "http://erp .example/",
        "http://erp.example\n/",
        "http://erp.example/a b",
        "http://erp.example/a\\b",
        "http://erp.example/a\r\nX-A: b",
        "http://erp.example/é",
        " http://erp.example/",
        "http://erp.example:/",
        "http://erp.example:0/",
        "http://erp.example:65536/",
        "http://erp.example:8o/",
        "http://erp.example:٨٠/",
        "http://erp.example:80:80/",
        "http://erp..example/",
        "http://.example/",
        "http://erp.example../",
        "http://erp%2eexample/",
        "http://erp.example,evil.example/",
        "http://erp。example/",
        "http://ｅｒｐ.example/",
        "http://erp\u200b.example/",
        "http://faß.example/",
        "http://①.example/",
        "http://[::1/",
        "http://[erp.example]/",
        "http://[::1]a/",
        "http://[fe80::1%25eth0]/",
        "http://::1/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
    ],
)
def test_what_could_be_read_in_two_ways_leads_nowhere(url: str) -> None:
    with pytest.raises(HttpUnreachable) as failure:
        placed(url)
    assert not failure.value.sent


@pytest.mark.parametrize(
    "url", ["http://a@b/", "http://a:b@c/", "http://@b/", "http://erp.example:80@evil.example/", "http://a\\@b/"]
)
def test_no_address_holds_credentials(url: str) -> None:
    with pytest.raises(HttpForbidden):
        placed(url)


@given(st.text(alphabet="ab.:@/\\[]%#?0é\t\r\n 。-_", max_size=20))
def test_every_text_is_a_place_or_a_refusal(text: str) -> None:
    try:
        place, target = placed("http://" + text)
    except HttpFailure:
        return
    assert place.host.isascii()
    assert target.startswith("/")
    assert not set(place.authority + target) & set("\r\n\t \\@" if "@" not in target else "\r\n\t \\")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were asked for; `erp.localhost` stands for several addresses, of which the last answers."""
    asked: list[str] = []

    def resolve(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        asked.append(host)
        found = [(socket.AF_INET6, ("::1", port, 0, 0)), (socket.AF_INET, ("127.0.0.1", port))]
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for family, place in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


async def test_a_name_is_asked_for_once_and_every_address_is_tried(client: HttpClient, named: list[str]) -> None:
    async with ScriptedServer(answers(200, {}, headers={"connection": "close"})) as server:
        url = f"http://erp.localhost:{server.port}/"
        found = await asyncio.gather(*[client.send(HttpRequest("GET", url)) for _ in range(4)])
        found.append(await client.send(HttpRequest("GET", url)))
        assert [one.status for one in found] == [200] * 5
    assert named == ["erp.localhost"]
    assert {one.headers["host"] for one in server.received} == {f"erp.localhost:{server.port}"}


async def test_an_address_that_does_not_answer_delays_the_others_little(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, named: list[str]
) -> None:
    real, left = dialing._connected, []

    async def connected(wire: Any, address: str, trust: Any) -> Any:
        if address == "::1":
            try:
                await asyncio.Event().wait()
            finally:
                left.append(address)
        return await real(wire, address, trust)

    monkeypatch.setattr(dialing, "_connected", connected)
    async with ScriptedServer(answers(200, {})) as server:
        response = await client.send(HttpRequest("GET", f"http://erp.localhost:{server.port}/", timeout=30.0))
    assert response.status == 200
    assert left == ["::1"]


async def test_one_address_of_a_name_that_is_not_allowed_is_too_many(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        kinds = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kinds, ("192.0.2.1", 0)), (*kinds, ("169.254.169.254", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(HttpForbidden):
        await client.send(HttpRequest("GET", "http://erp.example/"))


async def test_when_no_address_answers_nothing_was_sent(client: HttpClient, named: list[str]) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        port = server.port
    with pytest.raises(HttpUnreachable) as failure:
        await client.send(HttpRequest("GET", f"http://erp.localhost:{port}/"))
    assert not failure.value.sent
    assert client._opened()._total == 0
