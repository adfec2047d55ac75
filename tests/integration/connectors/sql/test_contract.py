"""The `sql` connector keeps the contract of connectors on each database, behind networks that fail as they do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors import relay
from tests.integration.connectors.sql import firebird as firebird_servers
from tests.integration.connectors.sql import tds
from tests.integration.connectors.sql.firebird import Firebird
from tests.integration.connectors.sql.mariadb import MariaDb, Relay


def statements(url: str, **more: Any) -> dict[str, Any]:
    return {
        "system": "erp",
        "connector": "sql",
        "connection": {"url": url} | more,
        "operations": {
            "read": {
                "from": "SELECT name FROM t WHERE id = :id",
                "effect": "read",
                "input": {"id": "integer"},
                "columns": {"name": "string"},
                "rows": "one",
            },
            "write": {
                "from": "UPDATE t SET name = :name WHERE id = :id",
                "effect": "write",
                "input": {"id": "integer", "name": "string"},
            },
        },
    }


SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO t VALUES (1, 'one');"
WRITE = {"id": 1, "name": "two"}
FAULTS = {
    Condition.lost: "after",
    Condition.silent: "silent",
    Condition.slow: "slow",
    Condition.truncated: "truncated",
    Condition.garbled: "garbled",
}
"""What the relay before a server does: all that a network can do to it. Answers without end are tests of their own."""


class TestSqlite(ConnectorContract):
    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("asyncpg",)
    conditions = frozenset({Condition.working, Condition.refused})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        file = root / "erp.db"
        if condition is Condition.working:
            made = sqlite3.connect(file)
            made.executescript(SCHEMA)
            made.close()
        yield Rig(statements("sqlite:///erp.db"), {"id": 1}, WRITE)


class PostgresRelay(relay.Relay):
    """One that stands before PostgreSQL."""

    noise = b"\xf7\x00\x00\x00\x08\xff\xfe\xfd\xfc"  # a message of no kind


@pytest.mark.postgres
class TestPostgres(ConnectorContract):
    """A write is in a transaction, so that only the answer to its end leaves open what happened."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("asyncpg",)
    conditions = frozenset({Condition.working, Condition.refused, *FAULTS})

    @pytest.fixture(autouse=True)
    def _url(self, postgres_url: str) -> None:
        self.url = postgres_url

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(SCHEMA)
            [name, folder] = await connection.fetchrow(
                "SELECT current_database(), current_setting('unix_socket_directories')"
            )
            port = int(await connection.fetchval("SHOW port"))
        finally:
            await connection.close()
        there = Path(folder.strip('"')) / f".s.PGSQL.{port}"
        trigger = re.compile(b"SELECT name|COMMIT")
        async with PostgresRelay(there, trigger, FAULTS.get(condition, "")) as stands:
            port = free_port() if condition is Condition.refused else stands.port
            url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
            yield Rig(statements(url, password="secret:db"), {"id": 1}, WRITE, {"db": "hidden-password"})


class TestMariaDb(ConnectorContract):
    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "pymysql")
    conditions = frozenset({Condition.working, Condition.refused, Condition.expired, *FAULTS})

    @pytest.fixture(autouse=True)
    def _server(self, mariadb: MariaDb) -> None:
        self.server = mariadb

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        database = self.server.database()
        with self.server.look(database) as connection, connection.cursor() as cursor:
            for statement in SCHEMA.removesuffix(";").split(";"):
                cursor.execute(statement)
            password = "hidden-password" if condition is not Condition.expired else "another"
            cursor.execute(f"CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY '{password}'")
            cursor.execute(f"GRANT ALL ON {database}.* TO clerk@localhost")
        url = self.server.url(database, root / "s").replace("root@", "clerk@")
        if condition is Condition.refused:
            url = f"mysql://u@127.0.0.1:{free_port()}/d"
        trigger = re.compile(b"SELECT name|UPDATE t")
        async with Relay(self.server.socket, trigger, FAULTS.get(condition, ""), here=root / "s"):
            system = statements(url, password="secret:db")
            yield Rig(system, {"id": 1}, WRITE, {"db": "hidden-password"}, lambda: self.renamed(database))

    def renamed(self, database: str) -> int:
        """Return how many rows the write has changed."""
        with self.server.look(database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM t WHERE name = 'two'")
            return int(cursor.fetchone()[0])


class TestFirebird(ConnectorContract):
    """Not encrypted, so that the relay sees what is asked; a write's answer is lost at the end of its transaction."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "firebirdsql")
    conditions = BASIC | {Condition.expired, *FAULTS}

    @pytest.fixture(autouse=True)
    def _server(self, firebird: Firebird) -> None:
        self.server = firebird

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        database = self.server.database(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)^INSERT INTO t VALUES (1, 'one')"
        )
        faults = FAULTS | {Condition.endless: "endless"}
        trigger = re.compile(b"SELECT name|UPDATE t")
        async with firebird_servers.Relay(self.server.port, trigger, faults.get(condition, "")) as stands:
            port = free_port() if condition is Condition.refused else stands.port
            url = self.server.url(database, port=port, options="?encryption=off")
            password = firebird_servers.PASSWORD if condition is not Condition.expired else "another"
            yield Rig(
                statements(url, password="secret:db"),
                {"id": 1},
                WRITE,
                {"db": password},
                lambda: len(self.server.rows(database, "SELECT id FROM t WHERE name = 'two'")),
            )


class TestSqlServer(ConnectorContract):
    """On a server of the tests' own; SQL Server itself is not at hand."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "pytds")
    conditions = BASIC | {Condition.slow, Condition.truncated, Condition.garbled, Condition.expired}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        server = tds.TdsServer(root / "erp.db")
        with sqlite3.connect(server.file) as made:
            made.executescript(SCHEMA)
        made.close()
        script, pieces = server.script, {"SELECT name FROM t", "UPDATE t SET"}
        faults = {
            Condition.lost: script.cut,
            Condition.silent: script.mute,
            Condition.slow: script.slow,
            Condition.endless: script.endless,
            Condition.truncated: script.truncated,
            Condition.garbled: script.garbled,
        }
        if condition in faults:
            faults[condition].update(pieces)
        if condition is Condition.expired:
            server.password = "another"
        with tds.running(server):
            url = server.url if condition is not Condition.refused else f"mssql://clerk@localhost:{free_port()}/shop"
            yield Rig(
                statements(url, password="secret:db"),
                {"id": 1},
                WRITE,
                {"db": "hidden-password"},
                lambda: len(server.look("SELECT id FROM t WHERE name = 'two'")),
            )
