"""Every engine of the warehouse keeps the contract of connectors, as far as one that only reads can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.testing.connectors import Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors.warehouse.test_reads import filled
from tests.integration.connectors.warehouse.warehouses import TABLE, files, make, system

READ: dict[str, Any] = {"read": {"from": "table orders", "effect": "read", "options": {"filters": ["id"]}}}
DRIVERS = ("duckdb", "asyncpg", "adbc_driver_manager", "adbc_driver_postgresql", "pyarrow", "pytz")


class TestFiles(ConnectorContract):
    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = frozenset(
        {Condition.working, Condition.refused, Condition.truncated, Condition.garbled, Condition.mistyped}
    )

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = files("part*.parquet") if condition is Condition.refused else make(root, "parquet")
        part = root / "data" / "part1.parquet"
        if condition is Condition.truncated:
            part.write_bytes(part.read_bytes()[:-100])
        elif condition is Condition.garbled:
            part.write_bytes(b"PAR1" + bytes(range(256)) * 8 + b"PAR1")
        elif condition is Condition.mistyped:
            connection["tables"]["orders"]["columns"] = {**TABLE["columns"], "note": "integer?"}
        yield Rig(system(connection, READ), {"id": 1}, None)


class TestDatabase(ConnectorContract):
    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = frozenset({Condition.working, Condition.refused})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = make(root, "database")
        if condition is Condition.refused:
            (root / "data" / "sales.duckdb").unlink()
        yield Rig(system(connection, READ), {"id": 1}, None)


class Served(ConnectorContract):
    """What both ways to PostgreSQL share."""

    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = frozenset({Condition.working, Condition.refused, Condition.lost, Condition.silent, Condition.slow})
    engine = ""
    settings: dict[str, Any] = {}  # noqa: RUF012 - read alone

    @pytest.fixture(autouse=True)
    def _url(self, postgres_url: str) -> None:
        self.url = postgres_url

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        async with asyncio.timeout(60):
            await filled(self.url)
        url = self.url if condition is not Condition.refused else f"postgresql://u@127.0.0.1:{free_port()}/d"
        connection = {self.engine: {"url": url, "tls": "off", "password": "secret:db", **self.settings}}
        statement = {
            Condition.lost: "SELECT id FROM orders WHERE pg_terminate_backend(pg_backend_pid()) AND id = :id",
            Condition.silent: "SELECT id FROM orders WHERE pg_sleep(60) IS NOT NULL AND id = :id",
            Condition.slow: "SELECT id, pg_sleep(0.5) IS NULL AS awake FROM orders WHERE id = :id",
        }.get(condition)
        read = (
            READ if statement is None else {"read": {"from": statement, "effect": "read", "input": {"id": "integer"}}}
        )
        allowed = ["pg_sleep", "pg_terminate_backend", "pg_backend_pid"]
        tables = {"tables": {"orders": TABLE}, "allow_functions": allowed}
        yield Rig(system({**connection, **tables}, read), {"id": 1}, None, {"db": "hidden-password"})


@pytest.mark.postgres
class TestPostgres(Served):
    engine = "postgres"


@pytest.mark.postgres
class TestAdbc(Served):
    engine = "adbc"
    settings = {"driver": "postgresql"}  # noqa: RUF012 - read alone
