"""Requests go to the host that was named; names that stand for other places than a system's lead nowhere."""

from __future__ import annotations

import pytest

from interlock.foundation.http import HttpClient, HttpForbidden, HttpRequest, HttpUnreachable
from interlock.foundation.http.egress import check_literal, check_resolved
from interlock.testing.servers import ScriptedServer, answers, redirects


def get(url: str) -> HttpRequest:
    return HttpRequest("GET", url, timeout=2.0)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/machine?comp=goalstate",
        "http://192.0.0.192/",
        "http://169.254.42.42/",
        "http://[fd20:ce::254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::a9fe:a9fe]/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ],
)
async def test_no_request_goes_where_no_system_is(client: HttpClient, url: str) -> None:
    with pytest.raises(HttpForbidden) as refused:
        await client.send(get(url))
    assert not refused.value.sent


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.10.1", "fe80::1", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::"]
)
async def test_a_name_may_not_stand_for_it_either(
    client: HttpClient, names: dict[str, list[str]], address: str
) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        names["api.evil.example"] = [address]
        with pytest.raises(HttpForbidden):
            await client.send(get(f"http://api.evil.example:{server.port}/"))
        assert server.connections == 0


async def test_a_name_that_changes_its_mind_is_held_to_what_was_checked(names: dict[str, list[str]]) -> None:
    """What was checked is what is connected to; when the name is asked again, it is checked again."""
    async with ScriptedServer(answers(200, {})) as server:
        names["api.evil.example"] = ["192.0.2.1", "127.0.0.1"]
        for expected in (Exception, HttpForbidden):
            async with HttpClient() as client:
                with pytest.raises(expected):
                    await client.send(get(f"http://api.evil.example:{server.port}/"))
        assert server.connections == 0


async def test_this_machine_is_reached_by_its_own_names(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        for host in ("127.0.0.1", "localhost"):
            assert (await client.send(get(f"http://{host}:{server.port}/"))).status == 200


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.9", "172.20.1.1", "fd12:3456::1", "2001:db8::1"])
def test_names_of_the_houses_own_networks_are_fine(address: str) -> None:
    check_resolved("erp.acme.example", [address])
    check_literal(address)


async def test_a_redirect_leads_nowhere(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {})) as other, ScriptedServer(redirects(302, other.url)) as server:
        assert (await client.send(get(server.url))).status == 302
        assert other.connections == 0


@pytest.mark.parametrize("url", ["http://me:hidden@127.0.0.1/", "http://me@127.0.0.1/", "http://:hidden@127.0.0.1/"])
async def test_no_credentials_travel_in_an_address(client: HttpClient, url: str) -> None:
    with pytest.raises(HttpForbidden) as refused:
        await client.send(get(url))
    assert "hidden" not in str(refused.value.problem())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:,x", "//x", ""])
async def test_only_http_is_spoken(client: HttpClient, url: str) -> None:
    with pytest.raises(HttpUnreachable):
        await client.send(get(url))
