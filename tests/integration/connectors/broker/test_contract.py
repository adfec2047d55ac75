"""The `broker` connector keeps the contract of connectors, by NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors.broker.servers import NatsServer, Relay

ORDER = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


class TestBroker(ConnectorContract):
    plugin = "interlock.integration.connectors.broker:plugin"
    drivers = ("nats", "redis", "aio_pika", "aiokafka")
    conditions = BASIC - {Condition.endless}  # an answer of NATS has a length

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        del root
        nats = NatsServer()
        try:
            await asyncio.to_thread(nats.start)
            await nats.make("orders")
            async with Relay(nats.port) as relay:
                if condition in {Condition.lost, Condition.silent}:
                    relay.arm(b"PUB ", "after" if condition is Condition.lost else "silent")
                    relay.once = False
                port = free_port() if condition is Condition.refused else relay.port
                connection = {"broker": "nats", "servers": [f"127.0.0.1:{port}"], "tls": False}
                publish = {"topic": "orders", "type": "order.placed", "schema": ORDER}
                operations = {
                    "read": {"from": "depth", "effect": "read", "options": {"topic": "orders"}},
                    "write": {"from": "publish", "effect": "write", "options": publish},
                }
                system = {"system": "mq", "connector": "broker", "connection": connection, "operations": operations}
                yield Rig(system, {}, {"id": 1}, {}, lambda: _held_by(nats, "orders"))
        finally:
            nats.end()


def _held_by(server: NatsServer, topic: str) -> int:
    with ThreadPoolExecutor(1) as aside:
        return len(aside.submit(lambda: asyncio.run(server.held(topic))).result())
