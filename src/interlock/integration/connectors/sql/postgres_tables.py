"""The catalogue of a PostgreSQL database, read with the driver that statements are run with."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.foundation.http import HttpForbidden
from interlock.foundation.http.sockets import GuardedLoop
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.sql.routines import POSTGRES_ROUTINES, call_offers
from interlock.integration.connectors.sql.tables import REACH, Catalogue, Column, Spelling, Table, gathered

TIMEOUT = 15.0
_SPELLING = Spelling('"', casts=True)
_KINDS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("numeric", "real", "double precision"), "number"),
    **dict.fromkeys(("text", "character varying", "character", "uuid", "date", "name"), "string"),
    "boolean": "boolean",
}
_TABLES = """
SELECT t.table_schema, t.table_name, c.column_name, c.data_type, c.is_nullable = 'YES', k.column_name IS NOT NULL
FROM information_schema.tables t
JOIN information_schema.columns c USING (table_schema, table_name)
LEFT JOIN information_schema.table_constraints p
  ON p.table_schema = t.table_schema AND p.table_name = t.table_name AND p.constraint_type = 'PRIMARY KEY'
LEFT JOIN information_schema.key_column_usage k
  ON k.constraint_name = p.constraint_name AND k.table_schema = t.table_schema AND k.table_name = t.table_name
  AND k.column_name = c.column_name
WHERE t.table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, c.ordinal_position
"""


async def postgres_tables(address: str) -> list[Table]:
    """Return the tables and views of the database at *address*. Raises `SourceUnfit` and `PackageMissing`."""
    return (await postgres_catalogue(address)).tables


async def postgres_catalogue(address: str) -> Catalogue:
    """Return tables, views, and calls of procedures and of functions that may change things.

    Raises `SourceUnfit` and `PackageMissing`.
    """
    Packages("sql", "postgres", ("asyncpg",)).check()
    import asyncpg

    try:
        guarded: Any = GuardedLoop(asyncio.get_running_loop())
        database = await asyncpg.connect(address, timeout=TIMEOUT, loop=guarded)
    except HttpForbidden as error:
        raise SourceUnfit("the database is not connected to", why=error.why, fix=error.fix) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        raise SourceUnfit("the database does not let us in", why=type(error).__name__, fix=REACH) from error
    try:
        async with database.transaction(readonly=True):
            rows = await database.fetch(_TABLES, timeout=TIMEOUT)
            routines = [tuple(one) for one in await database.fetch(POSTGRES_ROUTINES, timeout=TIMEOUT)]
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise SourceUnfit("the database's catalogue cannot be read", why=type(error).__name__) from error
    finally:
        await database.close(timeout=TIMEOUT)
    found = (
        (
            (name,) if schema == "public" else (schema, name),
            Column(column, _KINDS.get(native, ""), native, nullable, key),
        )
        for schema, name, column, native, nullable, key in rows
    )
    tables = gathered(found, _SPELLING, lambda native: native == "bytea")
    return Catalogue(tables, *call_offers(routines, _KINDS))
