"""What a system says of its own limits: when a call may be made again, and when all calls are to stay away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.http import HttpClient
from interlock.foundation.http.rests import asked, used_up
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Ports, Systems
from interlock.testing.clock import FixedClock
from interlock.testing.servers import Received, ScriptedServer, answers
from tests.integration.conftest import Workbench
from tests.integration.connectors.web.listing import ROWS, by_page, operation

NOW = 1_767_225_600.0
DATE = {"Date": formatdate(NOW, usegmt=True)}


class Desk:
    """Answers with *status* and *headers*, which a test may replace."""

    def __init__(self) -> None:
        self.status, self.headers, self.calls = 200, dict[str, str](), 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        body = by_page({"page": str(self.calls)}, "")[0] if "page=" in request.target else {"id": 1}
        await answers(self.status, body, headers=self.headers)(request, writer)


@asynccontextmanager
async def desk(root: Path, clock: FixedClock, **limits: Any) -> AsyncIterator[tuple[Desk, Systems]]:
    behaviour = Desk()
    async with ScriptedServer(behaviour) as server, HttpClient() as http:
        bench = Workbench(root)
        bench.systems = Systems(Ports(http, SecretStore.standard(environment={}), root), clock=clock)
        pages = {"items": "/data", "page": {"parameter": "page"}, "follow": 3}
        system = {
            "system": "desk",
            "connector": "http",
            "connection": {"base_url": server.url},
            "limits": {"timeout": "5s", "retries": 0} | limits,
            "operations": {
                "get": {"from": "GET /one", "effect": "read"},
                "put": {"from": "PUT /one", "effect": "write"},
                "rows": operation(pages, "page"),
            },
        }
        systems = await bench.serve(system)
        try:
            yield behaviour, systems
        finally:
            await systems.close()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        (DATE | {"Retry-After": formatdate(NOW + 30, usegmt=True)}, 30),
        (DATE | {"Retry-After": formatdate(NOW - 30, usegmt=True)}, 0),
        ({"Retry-After": "999999"}, 3600),
        ({"RateLimit": '"burst";r=0;t=12'}, 12),
    ],
)
async def test_a_refusal_says_when_it_may_be_made_again(
    tmp_path: Path, status: int, headers: dict[str, str], seconds: int
) -> None:
    async with desk(tmp_path, FixedClock()) as (server, systems):
        server.status, server.headers = status, headers
        answer = await systems.call("desk.get", {})
        assert (answer.transient, answer.retry_after) == (True, seconds)
        assert (answer.problem or {})["retry_after"] == seconds


@pytest.mark.parametrize("said", ["", "soon", "-5", "1e3"])
async def test_a_refusal_that_says_nothing_is_not_made_again(tmp_path: Path, said: str) -> None:
    async with desk(tmp_path, FixedClock()) as (server, systems):
        server.status, server.headers = 429, {"Retry-After": said} if said else {}
        answer = await systems.call("desk.get", {})
        assert (answer.transient, answer.retry_after) == (False, 0.0)


async def test_a_limit_that_is_used_up_holds_back_every_call_until_it_is_there_again(tmp_path: Path) -> None:
    clock = FixedClock()
    async with desk(tmp_path, clock) as (server, systems):
        server.headers = {"RateLimit-Policy": '"hour";q=100;w=3600', "RateLimit": '"hour";r=0;t=30'}
        assert (await systems.call("desk.get", {})).succeeded
        held = await systems.call("desk.put", {})
        assert held.problem is not None
        assert (held.problem["code"], held.sent, held.transient, held.retry_after) == ("rate_limited", False, True, 30)
        assert (server.calls, systems.health()[0]["held"]) == (1, 30)
        server.headers = {"RateLimit": '"hour";r=99;t=3600'}
        clock.advance(30)
        assert (await systems.call("desk.get", {})).succeeded
        assert "held" not in systems.health()[0]
        assert (await systems.call("desk.put", {})).succeeded


async def test_a_system_cannot_stop_us_for_longer_than_declared(tmp_path: Path) -> None:
    clock = FixedClock()
    async with desk(tmp_path, clock, hold="10s") as (server, systems):
        server.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}
        assert (await systems.call("desk.get", {})).succeeded
        assert (await systems.call("desk.get", {})).retry_after == 10
        clock.advance(10)
        assert (await systems.call("desk.get", {})).succeeded


async def test_gathering_stops_where_nothing_remains_and_goes_on_later(tmp_path: Path) -> None:
    clock = FixedClock()
    async with desk(tmp_path, clock) as (server, systems):
        server.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "20"}
        first = await systems.call("desk.rows", {})
        assert (first.output["items"], server.calls) == (ROWS[:3], 1)
        on = {"cursor": first.output["next"]}
        assert (await systems.call("desk.rows", on)).retry_after == 20
        clock.advance(20)
        assert (await systems.call("desk.rows", on)).output["items"] == ROWS[3:6]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"a";r=5;t=10, "b";r=0;t=60'}, 60),
        ({"RateLimit": '"a,;b" ; r=0 ; t=9 ; pk=":x;y:"'}, 9),
        ({"RateLimit": "default;r=0", "RateLimit-Policy": "default;q=10;w=15"}, 15),
        ({"RateLimit": "limit=100, remaining=0, reset=25"}, 25),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "8"}, 8),
        (DATE | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW + 40:.0f}"}, 40),
        (DATE | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{(NOW + 40) * 1000:.0f}"}, 40),
        (DATE | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": formatdate(NOW + 4, usegmt=True)}, 4),
        (DATE | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW - 40:.0f}"}, 0),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "40"}, 0),
        ({"X-RateLimit-Remaining": "0"}, 0),
        ({"RateLimit": '"broken;r=0;t=5'}, 0),
        ({"RateLimit": ";" * 3000 + " ; " * 300}, 0),
        ({}, 0),
    ],
)
def test_headers_of_limits_are_read(headers: Mapping[str, str], seconds: float) -> None:
    assert used_up(headers) == seconds


@given(st.dictionaries(st.sampled_from(["RateLimit", "RateLimit-Policy", "Retry-After", "Date"]), st.text(max_size=60)))
def test_headers_of_any_text_break_nothing(headers: dict[str, str]) -> None:
    assert used_up(headers) >= 0
    assert (asked(headers) or 0.0) >= 0
