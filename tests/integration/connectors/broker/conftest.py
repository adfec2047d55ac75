"""What the tests of brokers share: one server of each kind for the run, and a relay before it for each test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.broker import plugin
from interlock.integration.systems import Answer, Connector, Ports
from tests.integration.conftest import Workbench
from tests.integration.connectors.broker.servers import SERVERS, Process, Relay

PAYLOAD = {
    "type": "object",
    "properties": {"order": {"type": "string"}, "note": {"type": "string"}},
    "required": ["order"],
    "additionalProperties": False,
}


class Bench:
    """A broker, the way to it, and connectors that use it."""

    def __init__(self, server: Any, relay: Relay, bench: Workbench) -> None:
        self.server, self.relay, self.bench = server, relay, bench
        self.kind: str = server.kind
        self.topic = f"t.{secrets.token_hex(4)}"
        self.limits: dict[str, Any] = {}
        self._connectors: list[Connector] = []

    def system(self, *, options: Mapping[str, Any] | None = None, **connection: Any) -> dict[str, Any]:
        """Return a system file that publishes to the test's topic."""
        options = {"topic": self.topic, "type": "acme.order.placed", "schema": PAYLOAD, **(options or {})}
        return {
            "system": "shop",
            "connector": "broker",
            "limits": self.limits,
            "connection": {
                "broker": self.kind,
                "servers": [f"127.0.0.1:{self.relay.port}"],
                "tls": False,
                "source": "/shop",
                **connection,
            },
            "operations": {
                "announce": {"from": "publish", "effect": "write", "options": options},
                "depth": {"from": "depth", "effect": "read", "options": {"topic": options["topic"]}},
            },
        }

    def connector(self, **more: Any) -> Connector:
        """Return a connector, closed after the test."""
        catalog = self.bench.catalog(self.system(**more))
        ports = Ports(HttpClient(), SecretStore.standard(environment=self.bench.secrets), self.bench.root)
        made = plugin.build(catalog.systems["shop"], catalog.definitions("shop"), ports)
        self._connectors.append(made)
        return made

    async def announce(self, order: str, *, key: str = "", timeout: float = 20.0, **more: Any) -> Answer:
        """Publish with a connector of its own."""
        return await self.connector(**more).call("announce", {"order": order}, key=key, timeout=timeout)

    async def close(self) -> None:
        for one in self._connectors:
            await one.close()


def _running(kind: str) -> Iterator[Process]:
    server = SERVERS[kind]()
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Process]:
    yield from _running("nats")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Process]:
    yield from _running("redis")


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[Process]:
    yield from _running("rabbitmq")


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[Process]:
    yield from _running("kafka")


@pytest.fixture(params=list(SERVERS))
async def broker(request: pytest.FixtureRequest, bench: Workbench) -> AsyncIterator[Bench]:
    """Each broker in turn, with an empty topic."""
    server = request.getfixturevalue(f"{request.param}_server")
    async with Relay(server.port, getattr(server, "advertised", 0)) as relay:
        made = Bench(server, relay, bench)
        await server.make(made.topic)
        yield made
        await made.close()
