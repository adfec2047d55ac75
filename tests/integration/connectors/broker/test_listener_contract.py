"""The `broker` connector keeps the contract of those that ask for events, with every broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from interlock.testing.receivers import ListenerContract
from interlock.testing.servers import free_port
from tests.integration.connectors.broker.servers import SERVERS, Process, Relay


class Topic:
    """A topic of a broker, and the file of a system that listens to it."""

    secrets: Mapping[str, str] = {}

    def __init__(self, server: Any, port: int) -> None:
        self._server = server
        self._topic = f"t.{secrets.token_hex(4)}"
        subscription = {"topic": self._topic, "durable": "house", "redeliver": "500ms"}
        if server.kind == "rabbitmq":
            subscription["dead_letter"] = "set.aside"
        self.system: Mapping[str, Any] = {
            "system": "shop",
            "connector": "broker",
            "connection": {
                "broker": server.kind,
                "servers": [f"127.0.0.1:{port}"],
                "tls": False,
                "subscriptions": {"orders": subscription},
            },
            "operations": {"depth": {"from": "depth", "effect": "read", "options": {"topic": self._topic}}},
        }

    async def make(self) -> None:
        await self._server.make(self._topic)

    async def put(self, number: int) -> None:
        headers = {
            "ce-specversion": "1.0",
            "ce-source": "/erp",
            "ce-type": "order.placed",
            "ce-id": f"e-{number}",
            "ce-subject": str(number),
            "content-type": "application/json",
        }
        await self._server.put(self._topic, json.dumps({"order": str(number)}).encode(), headers)

    async def put_garbage(self) -> None:
        await self._server.put(self._topic, b"no event at all", {"content-type": "application/json"})


class Broker(ListenerContract):
    """What all brokers share; one server for the tests of a class."""

    plugin = "interlock.integration.connectors.broker:plugin"
    kind: ClassVar[str]
    server: ClassVar[Process]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls, request: pytest.FixtureRequest) -> Any:
        request.cls.server = SERVERS[cls.kind]()
        request.cls.server.start()
        yield
        request.cls.server.end()

    @asynccontextmanager
    async def source(self, root: Path, *, there: bool) -> AsyncIterator[Topic]:
        del root
        server: Any = self.server
        async with Relay(server.port, getattr(server, "advertised", 0)) as relay:
            topic = Topic(server, relay.port if there else free_port())
            await topic.make()
            yield topic


class TestNats(Broker):
    kind = "nats"


class TestRedis(Broker):
    kind = "redis"


@pytest.mark.systems
@pytest.mark.timeout(1800)
class TestRabbitmq(Broker):
    kind = "rabbitmq"


@pytest.mark.systems
@pytest.mark.timeout(1800)
class TestKafka(Broker):
    kind = "kafka"
