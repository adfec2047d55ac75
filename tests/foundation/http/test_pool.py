"""Connections are shared fairly and within limits, and whoever gives up leaves nothing half-used behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable

import pytest

from interlock.foundation.http import HttpClient, HttpClosed, HttpLost, HttpRequest, HttpResponse, HttpTimedOut
from interlock.foundation.http import pool as pools
from interlock.testing.servers import Received, ScriptedServer, answers, hangs, in_turn
from tests.foundation.http.conftest import LOOPS, until, until_closed


class Desk:
    """A behaviour that answers a request when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Semaphore(0)
        self.at_once = self.most = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.open.acquire()
        finally:
            self.at_once -= 1
        await answers(200, {})(request, writer)

    async def has(self, number: int) -> None:
        await until(lambda: self.at_once == number)


def get(server: ScriptedServer, path: str = "/", timeout: float = 5.0) -> HttpRequest:
    return HttpRequest("GET", server.url + path, timeout=timeout)


async def test_so_many_at_once_and_the_others_in_turn() -> None:
    desk = Desk()
    async with HttpClient(per_host=2) as client, ScriptedServer(desk) as server:
        asked = [asyncio.create_task(client.send(get(server, f"/{number}"))) for number in range(6)]
        await desk.has(2)
        for _ in range(6):
            desk.open.release()
        await asyncio.gather(*asked)
    assert (desk.most, server.connections) == (2, 2)
    targets = [one.target for one in server.received]
    assert sorted(targets[:2]) == ["/0", "/1"]
    assert sorted(targets[2:4]) == ["/2", "/3"]


async def test_those_who_wait_are_served_in_their_order() -> None:
    desk = Desk()
    async with HttpClient(per_host=1) as client, ScriptedServer(desk) as server:
        asked = [asyncio.create_task(client.send(get(server, f"/{number}"))) for number in range(5)]
        await desk.has(1)
        asked[2].cancel()
        for _ in range(4):
            desk.open.release()
        await asyncio.gather(*asked, return_exceptions=True)
    assert [one.target for one in server.received] == ["/0", "/1", "/3", "/4"]


async def test_all_hosts_together_have_a_limit_and_idle_connections_make_room() -> None:
    desk = Desk()
    async with (
        HttpClient(connections=2) as client,
        ScriptedServer(answers(200, {})) as one,
        ScriptedServer(answers(200, {})) as two,
        ScriptedServer(desk) as three,
    ):
        await client.send(get(one))
        await client.send(get(two))
        asked = [asyncio.create_task(client.send(get(three))) for _ in range(3)]
        await desk.has(2)
        late = asyncio.create_task(client.send(get(one)))  # waits although its host has room
        await asyncio.sleep(0)
        for _ in range(3):
            desk.open.release()
        await asyncio.gather(late, *asked)
        assert len(client._opened()._open) <= 2
    assert desk.most == 2
    assert one.connections == 2


async def test_who_waits_too_long_sent_nothing() -> None:
    async with HttpClient(per_host=1) as client, ScriptedServer(hangs()) as server:
        first = asyncio.create_task(client.send(get(server, timeout=30.0)))
        await until(lambda: server.received)
        with pytest.raises(HttpTimedOut, match="no connection within") as failure:
            await client.send(get(server, timeout=0.1))
        assert not failure.value.sent
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        server.behaviour = answers(200, {})
        assert (await client.send(get(server))).status == 200
        assert not client._opened()._waiting
    assert len(server.received) == 2


@pytest.mark.parametrize("turns", range(12))
async def test_whoever_is_cancelled_at_any_moment_leaves_nothing_half_used(turns: int) -> None:
    async with HttpClient(per_host=1) as client, ScriptedServer(answers(200, {"n": 1})) as server:
        asked = [asyncio.create_task(client.send(get(server, f"/{number}"))) for number in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        asked[0].cancel()
        asked[1].cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert asked[2].result().body == b'{"n": 1}'
        server.behaviour = answers(200, {"n": 2})
        assert (await client.send(get(server))).body == b'{"n": 2}'
        pool = client._opened()
        assert (pool._total, len(pool._open), len(pool._waiting)) == (1, 1, 0)


async def test_an_exchange_that_is_cancelled_closes_its_connection(client: HttpClient) -> None:
    async with ScriptedServer(in_turn(hangs(), answers(200, {}))) as server:
        asked = asyncio.create_task(client.send(get(server)))
        await until(lambda: server.received)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert client._opened()._total == 0
        assert (await client.send(get(server))).body == b"{}"
    assert server.connections == 2


async def test_a_connection_that_closes_while_it_is_handed_on_harms_nobody() -> None:
    async def answers_and_leaves(request: Received, writer: asyncio.StreamWriter) -> None:
        await answers(200, {})(request, writer)
        writer.close()

    async with HttpClient(per_host=3) as client, ScriptedServer(answers_and_leaves) as server:
        asked = [client.send(get(server, f"/{number}")) for number in range(100)]
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(outcome, HttpResponse | HttpLost), outcome
        await until_closed(client)
        assert client._opened()._total == 0
    targets = [one.target for one in server.received]
    assert len(targets) == len(set(targets)), "a request was repeated"


async def test_idle_connections_are_closed_after_a_while(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "KEEP_ALIVE", 0.05)
    async with ScriptedServer(answers(200, {})) as server:
        for _ in range(2):
            await client.send(get(server))
            await until_closed(client)
        assert server.connections == 2


async def test_closing_ends_what_runs_and_what_waits() -> None:
    client = HttpClient(per_host=1)
    async with ScriptedServer(hangs()) as server:
        await client.open()
        runs = asyncio.create_task(client.send(get(server)))
        await until(lambda: server.received)
        waits = asyncio.create_task(client.send(get(server)))
        await asyncio.sleep(0)
        await client.close()
        ran, waited = await asyncio.gather(runs, waits, return_exceptions=True)
    assert isinstance(ran, HttpLost)
    assert isinstance(waited, HttpClosed)
    assert (ran.sent, waited.sent) == (True, False)


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
def test_one_loop_after_the_other_leaves_nothing_open(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def exchange() -> None:
        async with HttpClient() as client, ScriptedServer(answers(200, {})) as server:
            await asyncio.gather(*[client.send(get(server)) for _ in range(5)])
            async with client.stream(get(server)):
                pass

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(3):
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(exchange())
        gc.collect()
    assert not [one for one in warned if issubclass(one.category, ResourceWarning)]
