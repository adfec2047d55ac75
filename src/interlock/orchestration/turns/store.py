"""The table of turns; changes after the first are guarded by revision."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.turns.kept import KeptTurn, TurnState, kept_from_document

MIGRATIONS = (
    """CREATE TABLE turns (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, session {text} NOT NULL, agent {text} NOT NULL,
        state {text} NOT NULL, owner {text} NOT NULL, waits_for {text} NOT NULL, created DOUBLE PRECISION NOT NULL,
        updated DOUBLE PRECISION NOT NULL, revision {bigint} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX turns_by_session ON turns (session, id)",
    "CREATE INDEX turns_unended ON turns (state, id) WHERE state IN ('running', 'waiting')",
)

_COLUMNS = "id, tenant, session, agent, state, owner, waits_for, created, updated, revision, document"
# The index of these is used by a query that says so in the same words, beside what it looks for.
_UNENDED = "state IN ('running', 'waiting')"


def insert(turn: KeptTurn) -> Statement:
    """Return the statement that stores a new turn."""
    return Statement(
        f"INSERT INTO turns ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            turn.id,
            turn.tenant,
            turn.session,
            turn.agent,
            turn.state.value,
            turn.owner,
            turn.waits_for,
            turn.created,
            turn.updated,
            turn.revision,
            orjson.dumps(turn.document()),
        ),
    )


def save(turn: KeptTurn) -> Statement:
    """Return the guard that stores *turn* if it still has the revision it was read with."""
    return Statement(
        "UPDATE turns SET state = ?, owner = ?, waits_for = ?, updated = ?, document = ?, revision = revision + 1"
        " WHERE id = ? AND revision = ?",
        (
            turn.state.value,
            turn.owner,
            turn.waits_for,
            turn.updated,
            orjson.dumps(turn.document()),
            turn.id,
            turn.revision,
        ),
    )


async def load(database: Database, turn_id: str) -> KeptTurn | None:
    """Return the turn, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM turns WHERE id = ?", turn_id)
    return _turn(rows[0]) if rows else None


async def of_session(database: Database, session: str, *, before: str = "", limit: int = 50) -> list[KeptTurn]:
    """Return a session's turns, newest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM turns WHERE session = ? AND id < ? ORDER BY id DESC LIMIT ?",
        session,
        before or "trn_~",
        limit,
    )
    return [_turn(row) for row in rows]


async def in_state(database: Database, state: TurnState, *, after: str, limit: int) -> list[KeptTurn]:
    """Return turns of all tenants in *state*, running or waiting, oldest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM turns WHERE state = ? AND {_UNENDED} AND id > ? ORDER BY id LIMIT ?",
        state.value,
        after,
        limit,
    )
    return [_turn(row) for row in rows]


def _turn(row: Row) -> KeptTurn:
    return kept_from_document(
        orjson.loads(row[10]),
        id=row[0],
        tenant=row[1],
        session=row[2],
        agent=row[3],
        state=TurnState(row[4]),
        owner=row[5],
        waits_for=row[6],
        created=row[7],
        updated=row[8],
        revision=int(row[9]),
    )
