"""The `warehouse` connector: declared reads of files of rows, of DuckDB, of PostgreSQL, and by ADBC's drivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.connectors.warehouse import survey
from interlock.integration.connectors.warehouse.adbc import PACKAGES, AdbcEngine, adbc_troubles
from interlock.integration.connectors.warehouse.connector import WarehouseConnector
from interlock.integration.connectors.warehouse.dialects import DUCK, PG, Dialect
from interlock.integration.connectors.warehouse.duck import DuckEngine
from interlock.integration.connectors.warehouse.engine import Engine
from interlock.integration.connectors.warehouse.postgres import PostgresEngine, address_troubles
from interlock.integration.connectors.warehouse.queries import define
from interlock.integration.connectors.warehouse.schemas import CONNECTION
from interlock.integration.connectors.warehouse.tables import table_troubles, tables_of
from interlock.integration.contracts import Definition

_ZONE = "UTC"


class WarehousePlugin:
    """Describes from the declaration alone, and only ever reads."""

    name = "warehouse"
    connection_schema: Mapping[str, Any] = CONNECTION

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        connection = system.connection
        found = [*_engine_troubles(connection), *table_troubles(connection)]
        if found:
            return Description({}, tuple(found))
        tables, dialect = tables_of(connection), _dialect(connection)
        functions = connection.get("allow_functions", [])
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                found.append(Trouble(f"/operations/{name}/idempotency", "means nothing for a read"))
            try:
                definitions[name] = define(operation, tables, dialect, functions)
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        zone = system.connection.get("zone", _ZONE)
        return WarehouseConnector(system, definitions, _engine(system, ports, zone), ZoneInfo(zone))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is a DuckDB file; other kinds are named by `--kind`, since others know them too."""
        return survey.is_duckdb(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return reads of every table. Raises `SourceUnfit` and `PackageMissing`."""
        return await survey.survey(source, ports)


def _engine_troubles(connection: Mapping[str, Any]) -> Iterator[Trouble]:
    if "postgres" in connection:
        yield from address_troubles(connection["postgres"], "/connection/postgres")
    if "adbc" in connection:
        yield from adbc_troubles(connection["adbc"])
    duckdb = connection.get("duckdb", {})
    if "duckdb" in connection and not {"folder", "database"} & duckdb.keys():
        yield Trouble("/connection/duckdb", "needs a `folder` of files, or a `database`")
    zone = connection.get("zone", _ZONE)
    try:
        ZoneInfo(zone)
    except (ValueError, OSError):  # no name of a zone; or a folder of them
        yield Trouble("/connection/zone", "is no time zone; write one such as Europe/Oslo")
    except LookupError:
        yield Trouble("/connection/zone", "is no time zone that is known here; write one such as Europe/Oslo")


def _dialect(connection: Mapping[str, Any]) -> Dialect:
    return DUCK if "duckdb" in connection else PG


def _engine(system: SystemDeclaration, ports: Ports, zone: str) -> Engine:
    connection = system.connection
    if "postgres" in connection:
        Packages("warehouse", "warehouse", ("asyncpg",)).check()
        return PostgresEngine(connection["postgres"], system, ports.secrets, zone=zone)
    if "adbc" in connection:
        Packages("warehouse", "warehouse", PACKAGES).check()
        return AdbcEngine(connection["adbc"], system, ports.secrets, zone=zone)
    Packages("warehouse", "warehouse", ("duckdb", "pytz")).check()
    tables = tables_of(connection)
    return DuckEngine(connection["duckdb"], tables, root=ports.root, concurrency=system.limits.concurrency, zone=zone)


plugin = WarehousePlugin()
"""The entry point."""
