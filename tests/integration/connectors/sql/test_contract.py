"""The `sql` connector keeps the contract of connectors on each database, behind networks that fail as they do."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import firebirdsql
import pymysql  # type: ignore[import-untyped]  # it has no types
import pytest

from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors import relay
from tests.integration.connectors.clerks import clerk
from tests.integration.connectors.sql import firebird as firebird_servers
from tests.integration.connectors.sql import tds
from tests.integration.connectors.sql.firebird import Firebird
from tests.integration.connectors.sql.mariadb import MariaDb, Relay

READ: dict[str, Any] = {
    "from": "SELECT name FROM t WHERE id = :id",
    "effect": "read",
    "input": {"id": "integer"},
    "columns": {"name": "string"},
    "rows": "one",
}
EVERY: dict[str, Any] = {
    "from": "SELECT a.name FROM t AS a CROSS JOIN t AS b CROSS JOIN t AS c WHERE a.id >= :id",
    "effect": "read",
    "input": {"id": "integer"},
    "columns": {"name": "string"},
    "rows": "many",
}
UPDATE: dict[str, Any] = {
    "from": "UPDATE t SET name = :name WHERE id = :id",
    "effect": "write",
    "input": {"id": "integer", "name": "string"},
}
WRITE = {"id": 1, "name": "two"}


def statements(url: str, condition: Condition = Condition.working, **more: Any) -> dict[str, Any]:
    operations = {"read": EVERY if condition is Condition.unending else READ}
    if condition not in ONLY_READ:
        operations["write"] = UPDATE
    return {"system": "erp", "connector": "sql", "connection": {"url": url} | more, "operations": operations}


def prepared(condition: Condition, *, text: str = "TEXT") -> list[str]:
    """Return the statements that make the table *t* as it is in *condition*; *text* is the type of long texts."""
    column = {Condition.mistyped: "name INTEGER", Condition.changed: f"title {text}"}.get(condition, f"name {text}")
    values = {Condition.mistyped: "7", Condition.endless: f"'{'y' * (2 << 20)}'"}.get(condition, "'one'")
    many = range(1, 1_101 if condition is Condition.unending else 2)
    rows = ", ".join(f"({number}, {values})" for number in many)
    return [f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column} NOT NULL)", f"INSERT INTO t VALUES {rows}"]


ONLY_READ = {Condition.endless, Condition.unending, Condition.mistyped}
"""What a statement that gives back a count cannot come to."""
FAULTS = {
    Condition.lost: "after",
    Condition.silent: "silent",
    Condition.slow: "slow",
    Condition.truncated: "truncated",
    Condition.garbled: "garbled",
}
"""What the relay before a server does: all that a network can do to it. Answers without end are tests of their own."""


SHAPES = {Condition.mistyped, Condition.changed, Condition.endless, Condition.unending}
"""What tables can be in. A statement is done as a whole or not at all, so that nothing is ever partial."""


class TestSqlite(ConnectorContract):
    """There is no network, and the file needs no credentials."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("asyncpg",)
    conditions = frozenset(
        {Condition.working, Condition.refused, Condition.silent, Condition.truncated, Condition.garbled, *SHAPES}
    )

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        file = root / "erp.db"
        if condition is not Condition.refused:
            made = sqlite3.connect(file)
            made.executescript(";".join(prepared(condition)))
            made.close()
        if condition is Condition.truncated:
            file.write_bytes(file.read_bytes()[:-7])
        elif condition is Condition.garbled:
            page = bytearray(file.read_bytes())
            page[-4096:] = bytes(range(256)) * 16
            file.write_bytes(page)
        system = statements("sqlite:///erp.db", condition)
        if condition is Condition.silent:
            forever = "(SELECT count(*) FROM ones) > 0"
            ones = "WITH RECURSIVE ones AS (SELECT 1 AS one UNION ALL SELECT one FROM ones)"
            system["operations"]["read"] = READ | {"from": f"{ones} {READ['from']} AND {forever}"}
            system["operations"]["write"] = UPDATE | {"from": f"{ones} {UPDATE['from']} AND {forever}"}
        write = None if condition in ONLY_READ else WRITE
        yield Rig(system, {"id": 1}, write, undone=True, effects=partial(renamed, file))


def renamed(file: Path) -> int:
    """Return how many rows of a SQLite file the write has changed; none where it is none."""
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.Error):
        return int(connection.execute("SELECT count(*) FROM t WHERE name = 'two'").fetchone()[0])
    return 0


class PostgresRelay(relay.Relay):
    """One that stands before PostgreSQL."""

    noise = b"\xf7\x00\x00\x00\x08\xff\xfe\xfd\xfc"  # a message of no kind


@pytest.mark.postgres
class TestPostgres(ConnectorContract):
    """A write is in a transaction, so that only the answer to its end leaves open what happened."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("asyncpg",)
    conditions = frozenset(
        {Condition.working, Condition.refused, Condition.throttled, Condition.expired, *FAULTS, *SHAPES}
    )

    @pytest.fixture(autouse=True)
    def _url(self, postgres_url: str) -> None:
        self.url = postgres_url

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in prepared(condition):
                await connection.execute(statement)
            user = await clerk(connection, condition, "t")
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
            system = statements(f"postgresql://{user}@127.0.0.1:{port}/{name}", condition, password="secret:db")
            write = None if condition in ONLY_READ else WRITE
            yield Rig(system, {"id": 1}, write, {"db": "hidden-password"}, self.renamed)

    def renamed(self) -> int:
        """Return how many rows the write has changed."""

        async def counted() -> int:
            connection = await asyncpg.connect(self.url)
            try:
                return int(await connection.fetchval("SELECT count(*) FROM t WHERE name::text = 'two'"))
            except asyncpg.UndefinedColumnError:
                return 0
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # the loop of the test stands meanwhile
            return thread.submit(asyncio.run, counted()).result()


class TestMariaDb(ConnectorContract):
    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "pymysql")
    conditions = frozenset(
        {Condition.working, Condition.refused, Condition.throttled, Condition.expired, *FAULTS, *SHAPES}
    )

    @pytest.fixture(autouse=True)
    def _server(self, mariadb: MariaDb) -> None:
        self.server = mariadb

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        database = self.server.database()
        with self.server.look(database) as connection, connection.cursor() as cursor:
            for statement in prepared(condition, text="LONGTEXT"):
                cursor.execute(statement)
            password = "hidden-password" if condition is not Condition.expired else "another"
            cursor.execute(f"CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY '{password}'")
            if condition is Condition.throttled:
                cursor.execute("ALTER USER clerk@localhost WITH MAX_QUERIES_PER_HOUR 1")
            cursor.execute(f"GRANT ALL ON {database}.* TO clerk@localhost")
        url = self.server.url(database, root / "s").replace("root@", "clerk@")
        if condition is Condition.refused:
            url = f"mysql://u@127.0.0.1:{free_port()}/d"
        trigger = re.compile(b"SELECT name|UPDATE t")
        async with Relay(self.server.socket, trigger, FAULTS.get(condition, ""), here=root / "s"):
            system = statements(url, condition, password="secret:db")
            write = None if condition in ONLY_READ else WRITE
            effects = partial(self.renamed, database)
            yield Rig(system, {"id": 1}, write, {"db": "hidden-password"}, effects)

    def renamed(self, database: str) -> int:
        """Return how many rows the write has changed."""
        with (
            self.server.look(database) as connection,
            connection.cursor() as cursor,
            suppress(pymysql.OperationalError),
        ):
            cursor.execute("SELECT count(*) FROM t WHERE name = 'two'")
            return int(cursor.fetchone()[0])
        return 0


class TestFirebird(ConnectorContract):
    """Not encrypted, so that the relay sees what is asked."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "firebirdsql")
    conditions = frozenset({Condition.working, Condition.refused, Condition.expired, *FAULTS, *SHAPES})

    @pytest.fixture(autouse=True)
    def _server(self, firebird: Firebird) -> None:
        self.server = firebird

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        database = self.server.database(self.prepared(condition))
        trigger = re.compile(b"SELECT name|UPDATE t")
        async with firebird_servers.Relay(self.server.port, trigger, FAULTS.get(condition, "")) as stands:
            port = free_port() if condition is Condition.refused else stands.port
            url = self.server.url(database, port=port, options="?encryption=off")
            password = firebird_servers.PASSWORD if condition is not Condition.expired else "another"
            system = statements(url, condition, password="secret:db")
            write = None if condition in ONLY_READ else WRITE
            effects = partial(self.renamed, database)
            yield Rig(system, {"id": 1}, write, {"db": password}, effects)

    def prepared(self, condition: Condition) -> str:
        """Return what makes the table: a text in a statement has an end here, and INSERT takes one row."""
        if condition not in {Condition.endless, Condition.unending}:
            return "^".join(prepared(condition, text="VARCHAR(20)"))
        first = "^".join(prepared(Condition.working, text="BLOB SUB_TYPE TEXT"))
        if condition is Condition.endless:
            return f"{first}^UPDATE t SET name = LPAD('', 8000, 'y')" + "^UPDATE t SET name = name || name" * 8
        return f"""{first}^EXECUTE BLOCK AS DECLARE n INTEGER = 2;
            BEGIN WHILE (n < 1001) DO BEGIN INSERT INTO t VALUES (:n, 'one'); n = n + 1; END END"""

    def renamed(self, database: str) -> int:
        """Return how many rows the write has changed; none where it is none."""
        with suppress(firebirdsql.OperationalError):
            return len(self.server.rows(database, "SELECT id FROM t WHERE name = 'two'"))
        return 0


class TestSqlServer(ConnectorContract):
    """On a server of the tests' own; SQL Server itself is not at hand."""

    plugin = "interlock.integration.connectors.sql:plugin"
    drivers = ("sqlalchemy", "pytds")
    conditions = BASIC | {*FAULTS, *SHAPES, Condition.throttled, Condition.expired}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        server = tds.TdsServer(root / "erp.db")
        with sqlite3.connect(server.file) as made:
            made.executescript(";".join(prepared(condition)))
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
        if condition is Condition.throttled:
            script.faults = dict.fromkeys(pieces, tds.Fault(10928))  # the limit of sessions of Azure SQL
        with tds.running(server):
            url = server.url if condition is not Condition.refused else f"mssql://clerk@localhost:{free_port()}/shop"
            system = statements(url, condition, password="secret:db")
            if condition is Condition.unending:  # longer than is read; the server here holds all that it tells
                system["operations"]["read"] = EVERY | {"from": "SELECT name FROM t WHERE id >= :id"}
            write = None if condition in ONLY_READ else WRITE
            effects = partial(renamed, server.file)
            yield Rig(system, {"id": 1}, write, {"db": "hidden-password"}, effects)
