"""A connector of the shop, and what its answers say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.grpc import plugin
from interlock.integration.systems import Answer, Connector, Ports
from interlock.integration.systems.declarations import declare
from tests.integration.connectors.grpc.shop import PROTO, TOKEN, Shop, files, serving, shop

PLACED = {"customer": "Ada", "count": 2}


@asynccontextmanager
async def connected(
    root: Path, port: int, *, secrets: Mapping[str, str] | None = None, proto: str = PROTO, **connection: Any
) -> AsyncIterator[Connector]:
    files(root, proto)
    more = connection.pop("more", {})
    system = declare(parse_document(orjson.dumps(shop(port, **connection) | more), "system", environment={}))
    description = plugin.describe(system, root)
    assert not description.troubles
    kept = {"shop": TOKEN, "broken": "a\nb"} | dict(secrets or {})
    store = SecretStore.standard(environment={f"INTERLOCK_SECRET_{name.upper()}": one for name, one in kept.items()})
    async with HttpClient() as http:
        connector = plugin.build(system, description.definitions, Ports(http, store, root))
        try:
            yield connector
        finally:
            await connector.close()


@asynccontextmanager
async def working(root: Path, **connection: Any) -> AsyncIterator[tuple[Shop, Connector]]:
    service = Shop(files(root))
    async with serving(service) as port, connected(root, port, **connection) as connector:
        yield service, connector


async def write(connector: Connector, key: str = "") -> Answer:
    return await connector.call("write", PLACED, key=key, timeout=5)


async def read(connector: Connector) -> Answer:
    return await connector.call("read", {"id": "7"}, key="", timeout=5)


def code(answer: Answer) -> str:
    assert answer.problem is not None
    assert isinstance(answer.problem["detail"], str)
    return str(answer.problem["code"])
