"""The table of escalations; changes are guarded by revision."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.escalations.escalation import (
    Escalation,
    EscalationState,
    Wanted,
    escalation_from_document,
)

MIGRATIONS = (
    """CREATE TABLE escalations (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, role {text} NOT NULL, state {text} NOT NULL,
        deadline DOUBLE PRECISION NOT NULL, created DOUBLE PRECISION NOT NULL, told INTEGER NOT NULL,
        revision {bigint} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX escalations_by_tenant ON escalations (tenant, id)",
    "CREATE INDEX escalations_standing ON escalations (deadline) WHERE state IN ('open', 'taken')",
    "CREATE INDEX escalations_untold ON escalations (id) WHERE told = 0",
    "ALTER TABLE escalations ADD COLUMN source {text} NOT NULL DEFAULT ''",
    "ALTER TABLE escalations ADD COLUMN session {text} NOT NULL DEFAULT ''",
    "CREATE INDEX escalations_by_session ON escalations (session, id) WHERE session <> ''",
    "CREATE INDEX escalations_asked ON escalations (tenant, id) WHERE state IN ('open', 'taken')",
)
_STANDING = "state IN ('open', 'taken')"
_STANDS = frozenset({"", EscalationState.open.value, EscalationState.taken.value})

_COLUMNS = "id, tenant, role, state, deadline, created, told, revision, document"


def insert(escalation: Escalation) -> Statement:
    """Return the statement that stores a new escalation."""
    return Statement(
        f"INSERT INTO escalations ({_COLUMNS}, source, session) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            escalation.id,
            escalation.asked.tenant,
            escalation.asked.role,
            escalation.state.value,
            escalation.deadline,
            escalation.created,
            int(escalation.told),
            escalation.revision,
            orjson.dumps(escalation.document()),
            escalation.asked.source.value,
            escalation.asked.session,
        ),
    )


def save(escalation: Escalation) -> Statement:
    """Return the guard that stores *escalation* if it still has the revision it was read with."""
    return Statement(
        "UPDATE escalations SET state = ?, deadline = ?, told = ?, document = ?, revision = revision + 1"
        " WHERE id = ? AND revision = ?",
        (
            escalation.state.value,
            escalation.deadline,
            int(escalation.told),
            orjson.dumps(escalation.document()),
            escalation.id,
            escalation.revision,
        ),
    )


def mark_told(escalation_id: str) -> Statement:
    """Return the statement that notes that what waited for an escalation knows how it ended."""
    return Statement("UPDATE escalations SET told = 1 WHERE id = ?", (escalation_id,))


async def load(database: Database, escalation_id: str) -> Escalation | None:
    """Return the escalation, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM escalations WHERE id = ?", escalation_id)
    return _escalation(rows[0]) if rows else None


async def page(
    database: Database, tenant: str, wanted: Wanted, *, state: str, before: str, limit: int
) -> list[Escalation]:
    """Return a tenant's escalations, newest first; those that stand where *state* is empty.

    The role that is *wanted* is left to the caller.
    """
    where, params = ["tenant = ?", "id < ?"], [tenant, before or "esc_~"]
    if state:
        where.append("state = ?")
        params.append(state)
    if state in _STANDS:
        where.append(_STANDING)
    for column, value in (("source", wanted.source), ("session", wanted.session)):
        if value:
            where.append(f"{column} = ?")
            params.append(value)
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM escalations WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", *params, limit
    )
    return [_escalation(row) for row in rows]


async def overdue(database: Database, now: float) -> list[Escalation]:
    """Return escalations of all tenants that stand although their deadline has passed, the longest overdue first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM escalations WHERE {_STANDING} AND deadline < ? ORDER BY deadline LIMIT 500",
        now,
    )
    return [_escalation(row) for row in rows]


async def untold(database: Database) -> list[Escalation]:
    """Return escalations of all tenants that have ended, of which what waits for them does not know yet."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM escalations WHERE told = 0 ORDER BY id LIMIT 500")
    return [_escalation(row) for row in rows]


async def standing(database: Database) -> tuple[int, float]:
    """Return how many escalations of all tenants wait for a person, and when the oldest was opened; 0 for none."""
    rows = await database.read(f"SELECT COUNT(*), MIN(created) FROM escalations WHERE {_STANDING}")
    return int(rows[0][0]), float(rows[0][1] or 0.0)


def _escalation(row: Row) -> Escalation:
    return escalation_from_document(
        orjson.loads(row[8]),
        row[1],
        row[2],
        id=row[0],
        state=EscalationState(row[3]),
        deadline=row[4],
        created=row[5],
        told=bool(row[6]),
        revision=int(row[7]),
    )
