"""Every engine of the warehouse keeps the contract of connectors, as far as one that only reads can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest

from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors.clerks import clerk
from tests.integration.connectors.warehouse.test_reads import filled
from tests.integration.connectors.warehouse.warehouses import TABLE, files, make, system

READ: dict[str, Any] = {"read": {"from": "table orders", "effect": "read", "options": {"filters": ["id"]}}}
LIST: dict[str, Any] = {"read": {"from": "table orders", "effect": "read"}}
SHAPES = {Condition.mistyped, Condition.changed, Condition.endless, Condition.unending}
"""What tables can be in. What is only read is never done in part."""
ALTERED = {
    Condition.changed: "ALTER TABLE {table} DROP COLUMN note",
    Condition.endless: "UPDATE {table} SET note = repeat('y', 4000000) WHERE id = 1",
}
DRIVERS = ("duckdb", "asyncpg", "adbc_driver_manager", "adbc_driver_postgresql", "pyarrow", "pytz")


class TestFiles(ConnectorContract):
    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = frozenset({Condition.working, Condition.refused, Condition.truncated, Condition.garbled, *SHAPES})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = files("part*.parquet") if condition is Condition.refused else make(root, "parquet")
        part = root / "data" / "part1.parquet"
        if condition is Condition.truncated:
            part.write_bytes(part.read_bytes()[:-100])
        elif condition is Condition.garbled:
            part.write_bytes(b"PAR1" + bytes(range(256)) * 8 + b"PAR1")
        elif condition in ALTERED:
            with duckdb.connect() as made:
                made.execute(f"CREATE TABLE part AS FROM '{part}'")
                made.execute(ALTERED[condition].format(table="part"))
                made.execute(f"COPY part TO '{part}' (FORMAT parquet)")
        yield rig(condition, connection)


def rig(condition: Condition, connection: dict[str, Any], statement: str | None = None, **secrets: str) -> Rig:
    """Return the rig over a warehouse that is in *condition* already, as far as it is for the warehouse to be."""
    asked = {"read": {"from": statement, "effect": "read", "input": {"id": "integer"}}} if statement else READ
    columns = TABLE["columns"] | ({"note": "integer?"} if condition is Condition.mistyped else {})
    connection["tables"]["orders"] |= {"columns": columns}
    listed = condition is Condition.unending
    return Rig(system(connection, LIST if listed else asked), {} if listed else {"id": 1}, None, secrets)


class TestDatabase(ConnectorContract):
    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = frozenset({Condition.working, Condition.refused, Condition.truncated, Condition.garbled, *SHAPES})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = make(root, "database")
        file = root / "data" / "sales.duckdb"
        if condition is Condition.refused:
            file.unlink()
        elif condition is Condition.truncated:
            file.write_bytes(file.read_bytes()[:-100])
        elif condition is Condition.garbled:
            file.write_bytes(file.read_bytes()[:12288] + bytes(range(256)) * 2048)
        elif condition in ALTERED:
            with duckdb.connect(str(file)) as made:
                made.execute(ALTERED[condition].format(table="shop.orders"))
        yield rig(condition, connection)


class Served(ConnectorContract):
    """What both ways to PostgreSQL share."""

    plugin = "interlock.integration.connectors.warehouse:plugin"
    drivers = DRIVERS
    conditions = BASIC | {Condition.slow, Condition.throttled, Condition.expired, *SHAPES}
    engine = ""
    settings: dict[str, Any] = {}  # noqa: RUF012 - read alone

    @pytest.fixture(autouse=True)
    def _url(self, postgres_url: str) -> None:
        self.url = postgres_url

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        async with asyncio.timeout(60):
            await filled(self.url)
            made = await asyncpg.connect(self.url)
            user = await clerk(made, condition, "orders")
            if condition in ALTERED:
                await made.execute(ALTERED[condition].format(table="orders"))
            await made.close()
        url = self.url.replace("//postgres:", f"//{user}:")
        assert user in url
        if condition is Condition.refused:
            url = f"postgresql://u@127.0.0.1:{free_port()}/d"
        connection: dict[str, Any] = {self.engine: {"url": url, "tls": "off", "password": "secret:db", **self.settings}}
        statement = {
            Condition.lost: "SELECT id FROM orders WHERE pg_terminate_backend(pg_backend_pid()) AND id = :id",
            Condition.silent: "SELECT id FROM orders WHERE pg_sleep(60) IS NOT NULL AND id = :id",
            Condition.slow: "SELECT id, pg_sleep(0.5) IS NULL AS awake FROM orders WHERE id = :id",
        }.get(condition)
        connection |= {
            "tables": {"orders": dict(TABLE)},
            "allow_functions": ["pg_sleep", "pg_terminate_backend", "pg_backend_pid"],
        }
        yield rig(condition, connection, statement, db="hidden-password")


@pytest.mark.postgres
class TestPostgres(Served):
    engine = "postgres"


@pytest.mark.postgres
class TestAdbc(Served):
    engine = "adbc"
    settings = {"driver": "postgresql"}  # noqa: RUF012 - read alone
