"""The databases that the `sql` connector knows: one object each, and nothing else says which kinds there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from interlock.integration.connectors.interface import Connector, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.sql.alchemy import AlchemyConnector, Dialect
from interlock.integration.connectors.sql.catalogues import Reader, unknown, usable
from interlock.integration.connectors.sql.firebird import FIREBIRD_OPTIONS, FirebirdDialect
from interlock.integration.connectors.sql.firebird_tables import FIREBIRD_READER
from interlock.integration.connectors.sql.grammars import FIREBIRD, MYSQL, POSTGRES, SQLITE, TSQL, Grammar
from interlock.integration.connectors.sql.mssql import MSSQL_OPTIONS, MssqlDialect
from interlock.integration.connectors.sql.mssql_tables import MSSQL_READER
from interlock.integration.connectors.sql.mysql import OPTIONS, MysqlDialect
from interlock.integration.connectors.sql.mysql_tables import MYSQL_READER
from interlock.integration.connectors.sql.postgres import PostgresConnector
from interlock.integration.connectors.sql.postgres_tables import postgres_catalogue
from interlock.integration.connectors.sql.sqlite import SqliteConnector
from interlock.integration.connectors.sql.sqlite_tables import SQLITE_FILE, sqlite_survey
from interlock.integration.connectors.sql.survey import TIMEOUT, proposal, server
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition


class Database(Protocol):
    """One kind of database. Nothing of it loads a driver before `connector` or `survey`."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """How its addresses begin."""

    @property
    def form(self) -> str:
        """How an address of it is written."""

    @property
    def grammar(self) -> Grammar:
        """How it reads statements."""

    def troubles(self, url: str) -> list[Trouble]:
        """Return what is wrong with the address *url*."""

    def connector(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        """Return what runs the statements. Raises `PackageMissing`."""

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return what the database at an address offers; only its own catalogue is read.

        Raises `SourceUnfit`, and `PackageMissing`.
        """


class SqliteDatabase:
    """A file."""

    addresses = (SQLITE_FILE,)
    form = "sqlite:///FILE (relative to the project)"
    grammar = SQLITE

    def troubles(self, url: str) -> list[Trouble]:
        return [] if url.removeprefix(SQLITE_FILE) else [Trouble("/connection/url", "names no file")]

    def connector(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        file = system.connection["url"].removeprefix(SQLITE_FILE)
        return SqliteConnector(system, definitions, (ports.root / file).resolve())

    async def survey(self, source: Source, ports: Ports) -> Survey:
        return await sqlite_survey(source, ports.root)


class PostgresDatabase:
    """PostgreSQL, with a driver of its own that does not block."""

    addresses = ("postgresql://",)
    form = "postgresql://USER@HOST/DATABASE"
    grammar = POSTGRES

    def troubles(self, url: str) -> list[Trouble]:
        return _troubles(url, None)

    def connector(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        Packages("sql", "postgres", ("asyncpg",)).check()
        return PostgresConnector(system, definitions, ports.secrets)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - it needs nothing of the house
        found = server(source.address)
        return proposal(found, await postgres_catalogue(source.address))


@dataclass(frozen=True, slots=True)
class AlchemyDatabase:
    """One that SQLAlchemy has a driver for. *options* is what may follow the `?` of an address; others of the driver's
    could undo what is promised here.
    """

    addresses: tuple[str, ...]
    form: str
    grammar: Grammar
    options: frozenset[str]
    packages: Packages
    dialect: Callable[[], Dialect]
    reader: Reader

    def troubles(self, url: str) -> list[Trouble]:
        return _troubles(url, self.options)

    def connector(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        self.packages.check()
        return AlchemyConnector(system, definitions, ports.secrets, self.dialect())

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - it needs nothing of the house
        found = server(source.address)
        usable(source.address, self.options, self.form)
        self.packages.check()
        return proposal(found, await asyncio.to_thread(self.reader.read, self.dialect(), source.address, TIMEOUT))


SQLITE_FILES = SqliteDatabase()
DATABASES: tuple[Database, ...] = (
    SQLITE_FILES,
    PostgresDatabase(),
    AlchemyDatabase(
        ("mysql://", "mariadb://"),
        "mysql://USER@HOST/DATABASE",
        MYSQL,
        OPTIONS,
        Packages("sql", "databases", ("sqlalchemy", "pymysql")),
        MysqlDialect,
        MYSQL_READER,
    ),
    AlchemyDatabase(
        ("mssql://", "sqlserver://"),
        "mssql://USER@HOST/DATABASE",
        TSQL,
        MSSQL_OPTIONS,
        Packages("sql", "databases", ("sqlalchemy", "pytds")),
        MssqlDialect,
        MSSQL_READER,
    ),
    AlchemyDatabase(
        ("firebird://",),
        "firebird://USER@HOST/DATABASE",
        FIREBIRD,
        FIREBIRD_OPTIONS,
        Packages("sql", "databases", ("sqlalchemy", "firebirdsql")),
        FirebirdDialect,
        FIREBIRD_READER,
    ),
)
"""All kinds."""


ADDRESSES = tuple(address for one in DATABASES for address in one.addresses)
"""How addresses of all kinds begin."""


def database(url: str) -> Database:
    """Return the kind of database that *url* is the address of, which begins with one of `ADDRESSES`; else a file."""
    return next((one for one in DATABASES if url.startswith(one.addresses)), SQLITE_FILES)


def _troubles(url: str, options: frozenset[str] | None) -> list[Trouble]:
    """Return what is wrong with the address of a server; *options* is None where its driver takes none from there."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return [Trouble("/connection/url", "is no valid address")]
    if password:
        return [Trouble("/connection/url", "must not hold a password; write `password: secret:NAME` beside it")]
    if options is None:
        return []
    names = unknown(parts.query, options)
    return [Trouble("/connection/url", f"must not set {one}; it may set {', '.join(sorted(options))}") for one in names]
