"""Where calls go: to the addresses that were checked, and to no others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.connectors.grpc.targets import Target, TargetInvalid, target_of, uri
from interlock.integration.systems import FAILED
from tests.integration.connectors.grpc.calling import code, connected, working, write
from tests.integration.connectors.grpc.shop import Shop, files, serving


@pytest.mark.parametrize(
    "target", ["169.254.169.254:80", "[fd00:ec2::254]:80", "0.0.0.0:80", "[::ffff:169.254.169.254]:80"]
)
async def test_calls_do_not_go_to_what_no_system_has(tmp_path: Path, target: str) -> None:
    async with connected(tmp_path, 1, target=target) as connector:
        answer = await write(connector)
        assert (answer.status, code(answer), answer.sent, answer.transient) == (FAILED, "unreachable", False, False)
        assert "not connected to" in str(answer.problem)


async def test_a_name_is_checked_by_what_it_stands_for_and_that_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, asked = asyncio.get_running_loop(), []
    answers = iter(["127.0.0.1", "169.254.169.254"])

    async def changing(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(loop, "getaddrinfo", changing)
    service = Shop(files(tmp_path))
    async with serving(service) as port:
        async with connected(tmp_path, port, target=f"shop.localhost:{port}") as connector:
            assert (await write(connector)).succeeded  # what the name stands for now is not asked again
            assert (await write(connector)).succeeded
            assert asked == ["shop.localhost"]
        async with connected(tmp_path, port, target=f"shop.localhost:{port}") as connector:
            answer = await write(connector)
            assert (answer.status, answer.sent, answer.transient) == (FAILED, False, False)
    assert service.effects == 2


async def test_a_name_of_somewhere_else_may_not_stand_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(_host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", here)
    async with working(tmp_path) as (service, _):
        pass
    async with serving(service) as port, connected(tmp_path, port, target=f"shop.acme.example:{port}") as connector:
        answer = await write(connector)
        assert (answer.status, answer.sent, service.effects) == (FAILED, False, 0)
        assert "this machine" in str(answer.problem)


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grpc_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with working(tmp_path) as (_, connector):
        assert (await write(connector)).succeeded


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("shop.acme.example:443", Target("shop.acme.example", 443)),
        ("10.0.0.1:1", Target("10.0.0.1", 1)),
        ("[2001:DB8::1]:50051", Target("2001:db8::1", 50051)),
    ],
)
def test_a_target_is_a_host_and_a_port(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "shop",
        "shop:",
        "shop:0",
        "shop:65536",
        "dns:///shop:1",
        "unix:/x",
        "a/b:1",
        "u@shop:1",
        "[::1",
        "[1:2]:3",
        "-x:1",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(TargetInvalid):
        target_of(text)


def test_addresses_of_two_families_fit_into_one_target() -> None:
    assert uri(("10.0.0.1", "10.0.0.2"), 5) == "ipv4:10.0.0.1:5,10.0.0.2:5"
    assert uri(("::1", "127.0.0.1"), 5) == "ipv6:[::1]:5,[::ffff:127.0.0.1]:5"


async def test_localhost_is_reached_by_whichever_of_its_addresses_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(_host: str, port: int, **_: Any) -> list[Any]:
        return [(10, 1, 6, "", ("::1", port, 0, 0)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    service = Shop(files(tmp_path))
    async with serving(service) as port, connected(tmp_path, port, target=f"localhost:{port}") as connector:
        assert (await write(connector)).succeeded
