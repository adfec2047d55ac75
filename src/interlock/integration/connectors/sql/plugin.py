"""The `sql` connector: operations are named statements with typed parameters; there is no free SQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.sql import survey
from interlock.integration.connectors.sql.alchemy import AlchemyConnector
from interlock.integration.connectors.sql.definitions import define
from interlock.integration.connectors.sql.mssql import MSSQL_ADDRESSES, MSSQL_OPTIONS, MssqlDialect
from interlock.integration.connectors.sql.mysql import OPTIONS, MysqlDialect
from interlock.integration.connectors.sql.mysql_tables import MYSQL as MYSQL_ADDRESSES
from interlock.integration.connectors.sql.postgres import PostgresConnector
from interlock.integration.connectors.sql.sqlite import SqliteConnector
from interlock.integration.connectors.sql.statements import MYSQL, POSTGRES, SQLITE, TSQL, StatementInvalid
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_FILE = "sqlite:///"


class SqlPlugin:
    """Describes from the statements, calls SQLite, PostgreSQL, MySQL, MariaDB or SQL Server."""

    name = "sql"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^(sqlite:///.+|(postgresql|mysql|mariadb|mssql|sqlserver)://.*)$",
                "description": "sqlite:///FILE (relative to the project), postgresql://USER@HOST/DATABASE, "
                "mysql://USER@HOST/DATABASE (also mariadb://) or mssql://USER@HOST/DATABASE (also sqlserver://)",
            },
            "password": REFERENCE,
            "allow_functions": {
                "type": "array",
                "items": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"},
                "description": "functions that statements may call beside those that are known to be harmless",
            },
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        url = system.connection["url"]
        dialect = _dialect(url)
        troubles = list(_address(url))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a statement takes no header; write `idempotent: true` if it can be run twice"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, dialect, system.connection.get("allow_functions", []))
            except StatementInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", f"the statement {error}"))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is the address of a database, or a file that SQLite wrote."""
        if source.content is not None:
            return source.content.startswith(survey.SQLITE_HEAD)
        return source.address.startswith((survey.SQLITE_FILE, survey.POSTGRES, *MYSQL_ADDRESSES, *MSSQL_ADDRESSES))

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return reads of every table and view. Raises `SourceUnfit` and `PackageMissing`."""
        return await survey.survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        url: str = system.connection["url"]
        if url.startswith(_FILE):
            return SqliteConnector(system, definitions, (ports.root / url.removeprefix(_FILE)).resolve())
        if url.startswith(MYSQL_ADDRESSES):
            Packages("sql", "databases", ("sqlalchemy", "pymysql")).check()
            return AlchemyConnector(system, definitions, ports.secrets, MysqlDialect())
        if url.startswith(MSSQL_ADDRESSES):
            Packages("sql", "databases", ("sqlalchemy", "pytds")).check()
            return AlchemyConnector(system, definitions, ports.secrets, MssqlDialect())
        Packages("sql", "postgres", ("asyncpg",)).check()
        return PostgresConnector(system, definitions, ports.secrets)


def _dialect(url: str) -> str:
    if url.startswith(_FILE):
        return SQLITE
    if url.startswith(MSSQL_ADDRESSES):
        return TSQL
    return MYSQL if url.startswith(MYSQL_ADDRESSES) else POSTGRES


def _address(url: str) -> list[Trouble]:
    if url.startswith(_FILE):
        return []
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return [Trouble("/connection/url", "is no valid address")]
    if password:
        return [Trouble("/connection/url", "must not hold a password; write `password: secret:NAME` beside it")]
    allowed = _options(url)
    if allowed is None:
        return []
    options = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - allowed)
    return [
        Trouble("/connection/url", f"must not set {name}; it may set {', '.join(sorted(allowed))}") for name in options
    ]


def _options(url: str) -> frozenset[str] | None:
    """Return what may follow the `?` of an address; None where its driver takes nothing from there."""
    if url.startswith(MSSQL_ADDRESSES):
        return MSSQL_OPTIONS
    return OPTIONS if url.startswith(MYSQL_ADDRESSES) else None


plugin = SqlPlugin()
"""The entry point."""
