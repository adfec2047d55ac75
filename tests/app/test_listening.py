"""The house listens to brokers as its project says: what came is kept once, starts work, and is told of when unfit."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.app.composition import Running
from interlock.app.listening import Listening
from tests.integration.connectors.broker.servers import NatsServer
from tests.orchestration.desk import CARLA, change, running, write_project

SYSTEM = """
system: erp
connector: broker
connection:
  broker: nats
  servers: ["127.0.0.1:PORT"]
  tls: false
  subscriptions:
    orders: {topic: erp.orders, redeliver: 200ms}
operations:
  get_event: {from: get, effect: read, output: {trusted_fields: [/id]}}
  list_events: {from: list, effect: read}
"""
TRIGGER = """
trigger: on-order
on: {system: erp, types: [order.placed]}
agent: helper
request: "Look at the order of the event {event}"
"""
WITHIN = 20.0


@pytest.fixture
async def broker() -> AsyncIterator[NatsServer]:
    server = NatsServer()
    try:
        await asyncio.to_thread(server.start)
        await server.make("erp.orders")
        yield server
    finally:
        server.end()


@pytest.fixture
def root(tmp_path: Path, broker: NatsServer) -> Path:
    write_project(tmp_path)
    (tmp_path / "systems" / "erp.yaml").write_text(SYSTEM.replace("PORT", str(broker.port)), "utf-8")
    (tmp_path / "triggers").mkdir()
    (tmp_path / "triggers" / "on-order.yaml").write_text(TRIGGER, "utf-8")
    return tmp_path


@asynccontextmanager
async def listening(root: Path) -> AsyncIterator[Running]:
    async with running(root) as composed:
        task = asyncio.create_task(Listening(composed.installation).run())
        try:
            yield composed
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def put(broker: NatsServer, identifier: str, body: Any) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": identifier, "ce-source": "/erp", "ce-type": "order.placed"}
    await broker.put("erp.orders", body if isinstance(body, bytes) else json.dumps(body).encode(), headers)


async def until(met: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for what the broker and the house are about to do, and return it."""
    limit = time.monotonic() + WITHIN
    while not (found := await met()):
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)
    return found


async def events(composed: Running) -> list[dict[str, Any]]:
    return await composed.installation.inbox.page("erp", types=(), before="", limit=50)


async def settled(broker: NatsServer) -> bool:
    return not await broker.owed("erp.orders", "interlock-erp-orders")


async def test_an_event_that_comes_twice_is_kept_once_and_starts_one_piece_of_work(
    root: Path, broker: NatsServer
) -> None:
    async with listening(root) as composed:
        for _ in range(2):
            await put(broker, "e-1", {"order": 7})
        await put(broker, "e-2", {"order": 8})
        await until(lambda: settled(broker))
        found = await events(composed)
        assert sorted(one["key"] for one in found) == ["/erp e-1", "/erp e-2"]
        runs = await composed.installation.launcher.page(CARLA, "on-order")
        assert sorted(run.cause for run in runs) == sorted(one["id"] for one in found)


async def test_what_is_no_event_is_in_the_journal_and_holds_nothing_up(root: Path, broker: NatsServer) -> None:
    async with listening(root) as composed:
        await put(broker, "e-1", b"{not json")
        await put(broker, "e-2", {"order": 8})
        await put(broker, "e-2", {"order": "another, under the same id"})
        await until(lambda: settled(broker))
        assert [one["key"] for one in await events(composed)] == ["/erp e-2"]
        records = await composed.installation.journal.show("erp", tenant=None)
        told = [one for one in records if one.kind == "event.set_aside"]
        assert [one.body["code"] for one in told] == ["delivery_unfit", "event_differs"]
        assert [one.fields["place"] for one in told] == ["erp_orders/1", "erp_orders/3"]


async def test_a_broker_that_is_not_there_yet_stops_nobody_and_is_listened_to_later(
    root: Path, broker: NatsServer
) -> None:
    broker.kill()
    async with listening(root) as composed:
        await asyncio.to_thread(broker.start)
        await put(broker, "e-1", {"order": 7})
        assert await until(lambda: events(composed))


async def test_it_follows_the_project(root: Path, broker: NatsServer) -> None:
    await broker.make("erp.returns")
    async with listening(root) as composed:
        await put(broker, "e-1", {"order": 7})
        await until(lambda: settled(broker))
        change(root, "systems/erp.yaml", "topic: erp.orders", "topic: erp.returns, durable: returns")
        await composed.installation.projects.reload()
        headers = {"ce-specversion": "1.0", "ce-id": "r-1", "ce-source": "/erp", "ce-type": "order.returned"}
        await broker.put("erp.returns", b"{}", headers)
        await until(lambda: _both(composed))
        await put(broker, "e-2", {"order": 8})
        assert await broker.owed("erp.orders", "interlock-erp-orders") == 1


async def _both(composed: Running) -> bool:
    return len(await events(composed)) == 2
