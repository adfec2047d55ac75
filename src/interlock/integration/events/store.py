"""The table of events: one row for each, and a system's own id at most once."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.integration.events.event import Event

CAPABILITY = "events"
STEPS = (
    """CREATE TABLE events (
        id {text} PRIMARY KEY, system {text} NOT NULL, event_key {text} NOT NULL, type {text} NOT NULL,
        subject {text} NOT NULL, time {text} NOT NULL, received DOUBLE PRECISION NOT NULL, digest {text} NOT NULL,
        data {blob} NOT NULL)""",
    "CREATE UNIQUE INDEX events_keys ON events (system, event_key)",
    "CREATE INDEX events_by_age ON events (received)",
)
_COLUMNS = "id, system, event_key, type, subject, time, received, digest, data"


def insert(event: Event) -> Statement:
    """Return the guard that stores a new event, unless its system has sent one of its key before."""
    return Statement(
        f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            event.id,
            event.system,
            event.key,
            event.type,
            event.subject,
            event.time,
            event.received,
            event.digest,
            orjson.dumps(event.data),
        ),
    )


async def by_key(database: Database, system: str, key: str) -> Event | None:
    """Return the event that *system* sent under *key*, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM events WHERE system = ? AND event_key = ?", system, key)
    return _event(rows[0]) if rows else None


async def load(database: Database, event_id: str) -> Event | None:
    """Return the event of an id, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM events WHERE id = ?", event_id)
    return _event(rows[0]) if rows else None


async def page(database: Database, system: str, *, types: Sequence[str], before: str, limit: int) -> list[Event]:
    """Return events of *system*, newest first."""
    wanted = f" AND type IN ({', '.join('?' * len(types))})" if types else ""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM events WHERE system = ? AND id < ?{wanted} ORDER BY id DESC LIMIT ?",
        system,
        before or "~",
        *types,
        limit,
    )
    return [_event(row) for row in rows]


async def older(database: Database, before: float) -> int:
    """Return how many events came before a moment."""
    rows = await database.read("SELECT COUNT(*) FROM events WHERE received < ?", before)
    return int(rows[0][0])


def pruned(before: float) -> Statement:
    """Return the statement that lets go of events that came before a moment."""
    return Statement("DELETE FROM events WHERE received < ?", (before,))


def _event(row: Row) -> Event:
    return Event(
        id=row[0],
        system=row[1],
        key=row[2],
        type=row[3],
        subject=row[4],
        time=row[5],
        received=float(row[6]),
        digest=row[7],
        data=orjson.loads(row[8]),
    )
