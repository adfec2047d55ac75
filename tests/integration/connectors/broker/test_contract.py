"""The `broker` connector keeps the contract of connectors, by NATS and by Redis."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from interlock.testing.connectors import Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors.broker.servers import NatsServer, ValkeyServer
from tests.integration.connectors.relay import Relay

ORDER = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


FAULTS = {
    Condition.lost: "after",
    Condition.silent: "silent",
    Condition.slow: "slow",
    Condition.truncated: "truncated",
    Condition.garbled: "garbled",
}
PASSWORD = "hidden-password"


class Broker(ConnectorContract):
    """What brokers share. An answer of theirs has a length, and says nothing but that a message is kept."""

    plugin = "interlock.integration.connectors.broker:plugin"
    drivers = ("nats", "redis", "aio_pika", "aiokafka")
    conditions = frozenset({Condition.working, Condition.refused, Condition.expired, *FAULTS})
    server: type[NatsServer | ValkeyServer]
    shuts_out: tuple[str, ...]
    asks: re.Pattern[bytes]

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        del root
        server = self.server()
        try:
            await asyncio.to_thread(server.start)
            await server.make("orders")
            effects: Callable[[], int] | None = partial(_held_by, server, "orders")
            if condition is Condition.expired:
                server.kill()
                server.arguments = self.shuts_out
                await asyncio.to_thread(server.start)
                effects = None  # nor may the test look
            async with Relay(server.port, self.asks, FAULTS.get(condition, "")) as relay:
                port = free_port() if condition is Condition.refused else relay.port
                connection = {"broker": server.kind, "servers": [f"127.0.0.1:{port}"], "tls": False}
                connection["auth"] = {"username": "default", "password": "secret:mq"}
                publish = {"topic": "orders", "type": "order.placed", "schema": ORDER}
                operations = {
                    "read": {"from": "depth", "effect": "read", "options": {"topic": "orders"}},
                    "write": {"from": "publish", "effect": "write", "options": publish},
                }
                system = {"system": "mq", "connector": "broker", "connection": connection, "operations": operations}
                yield Rig(system, {}, {"id": 1}, {"mq": PASSWORD}, effects)
        finally:
            server.end()


class TestNats(Broker):
    server = NatsServer
    shuts_out = ("--user", "default", "--pass", "another")
    asks = re.compile(b"PUB ")


class TestRedis(Broker):
    server = ValkeyServer
    shuts_out = ("--requirepass", "another")
    asks = re.compile(b"XADD|XLEN|XINFO")


def _held_by(server: Any, topic: str) -> int:
    with ThreadPoolExecutor(1) as aside:
        return len(aside.submit(lambda: asyncio.run(server.held(topic))).result())


del Broker
