"""The table of accepted definitions: one row for each operation."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Statement
from interlock.integration.contracts.definition import Definition

CAPABILITY = "contracts"
STEPS = (
    """CREATE TABLE pins (
        operation {text} PRIMARY KEY,
        digest {text} NOT NULL,
        definition {blob} NOT NULL,
        accepted_by {text} NOT NULL)""",
)


def first(operation: str, definition: Definition, by: str) -> Statement:
    """Return the guard that pins a definition seen for the first time, unless somebody else just did."""
    return Statement(
        "INSERT INTO pins (operation, digest, definition, accepted_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (operation, definition.digest, orjson.dumps(definition.to_json()), by),
    )


def replaced(operation: str, before: str, definition: Definition, by: str) -> Statement:
    """Return the guard that accepts *definition* in place of the one whose digest is *before*."""
    return Statement(
        "UPDATE pins SET digest = ?, definition = ?, accepted_by = ? WHERE operation = ? AND digest = ?",
        (definition.digest, orjson.dumps(definition.to_json()), by, operation, before),
    )


async def accepted(database: Database) -> dict[str, tuple[str, dict[str, object]]]:
    """Return the digest and definition that are accepted, by operation."""
    rows = await database.read("SELECT operation, digest, definition FROM pins")
    return {row[0]: (row[1], orjson.loads(row[2])) for row in rows}


async def digest_of(database: Database, operation: str) -> str:
    """Return the digest that is accepted for *operation*, or the empty string."""
    rows = await database.read("SELECT digest FROM pins WHERE operation = ?", operation)
    return str(rows[0][0]) if rows else ""
