"""The `sql` connector: operations are named statements with typed parameters; there is no free SQL."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.errors import PackageMissing
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.sql import survey
from interlock.integration.connectors.sql.definitions import define
from interlock.integration.connectors.sql.postgres import PostgresConnector
from interlock.integration.connectors.sql.sqlite import SqliteConnector
from interlock.integration.connectors.sql.statements import POSTGRES, SQLITE, StatementInvalid
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_FILE = "sqlite:///"


class SqlPlugin:
    """Describes from the statements, calls SQLite or PostgreSQL."""

    name = "sql"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^(sqlite:///.+|postgresql://.*)$",
                "description": "sqlite:///FILE (relative to the project) or postgresql://USER@HOST/DATABASE",
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
        dialect = SQLITE if url.startswith(_FILE) else POSTGRES
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
        """Return whether *source* is the address of a database."""
        return source.address.startswith((survey.SQLITE_FILE, survey.POSTGRES))

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return reads of every table and view. Raises `SourceUnfit` and `PackageMissing`."""
        return await survey.survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        url: str = system.connection["url"]
        if url.startswith(_FILE):
            return SqliteConnector(system, definitions, (ports.root / url.removeprefix(_FILE)).resolve())
        if find_spec("asyncpg") is None:
            raise PackageMissing("sql", "asyncpg", "postgres")
        return PostgresConnector(system, definitions, ports.secrets)


def _address(url: str) -> list[Trouble]:
    if url.startswith(_FILE):
        return []
    try:
        password = urlsplit(url).password
    except ValueError:
        return [Trouble("/connection/url", "is no valid address")]
    if password:
        return [Trouble("/connection/url", "must not hold a password; write `password: secret:NAME` beside it")]
    return []


plugin = SqlPlugin()
"""The entry point."""
