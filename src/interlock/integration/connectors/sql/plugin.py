"""The `sql` connector: operations are named statements with typed parameters; there is no free SQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.sql.databases import ADDRESSES, DATABASES, SQLITE_FILES, Database, database
from interlock.integration.connectors.sql.definitions import define
from interlock.integration.connectors.sql.grammars import StatementInvalid
from interlock.integration.connectors.sql.sqlite_tables import SQLITE_HEAD
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition


def _spelt(kind: Database) -> str:
    others = ", ".join(kind.addresses[1:])
    return f"{kind.form} (also {others})" if others else kind.form


class SqlPlugin:
    """Describes from the statements, and calls whichever kind of database the address is of."""

    name = "sql"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": f"^({'|'.join(ADDRESSES)}).*$",
                "description": "; ".join(map(_spelt, DATABASES)),
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
        kind = database(url)
        troubles = kind.troubles(url)
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a statement takes no header; write `idempotent: true` if it can be run twice"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, kind.grammar, system.connection.get("allow_functions", []))
            except StatementInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", f"the statement {error}"))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is the address of a database, or a file that SQLite wrote."""
        if source.content is not None:
            return source.content.startswith(SQLITE_HEAD)
        return source.address.startswith(ADDRESSES)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return reads of every table and view. Raises `SourceUnfit` and `PackageMissing`."""
        kind = SQLITE_FILES if source.content is not None else database(source.address)
        return await kind.survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        return database(system.connection["url"]).connector(system, definitions, ports)


plugin = SqlPlugin()
"""The entry point."""
