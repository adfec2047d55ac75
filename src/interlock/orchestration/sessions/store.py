"""The table of sessions: one row each, its document as JSON, a revision that every change raises."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.governance.labels import Memory, declassification_from_json
from interlock.orchestration.sessions.overheard import Overheard
from interlock.orchestration.sessions.plan import plan_of
from interlock.orchestration.sessions.session import Session

MIGRATIONS = (
    """CREATE TABLE sessions (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, opener {text} NOT NULL, closed INTEGER NOT NULL,
        revision {bigint} NOT NULL, opened_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL,
        document {blob} NOT NULL)""",
    "CREATE INDEX sessions_by_tenant ON sessions (tenant, id)",
    "CREATE INDEX sessions_open ON sessions (expires_at) WHERE closed = 0",
)

_COLUMNS = "id, tenant, opener, closed, revision, opened_at, expires_at, document"


def insert(session: Session) -> Statement:
    """Return the statement that stores a new session."""
    row = (
        session.id,
        session.tenant,
        session.opener,
        int(session.closed),
        session.revision,
        session.opened_at,
        session.expires_at,
        orjson.dumps(session.document()),
    )
    return Statement(f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def save(changed: Session, *, was: Session) -> Statement:
    """Return the guard that stores *changed* if the session is open and what is stored of it is still *was*."""
    return Statement(
        "UPDATE sessions SET document = ?, closed = ?, revision = revision + 1"
        " WHERE id = ? AND closed = 0 AND document = ?",
        (orjson.dumps(changed.document()), int(changed.closed), was.id, orjson.dumps(was.document())),
    )


def fix(changed: Session, *, was: Session) -> Statement:
    """Return the guard that stores *changed* only if nothing at all has become of the session since *was* was read.

    Here the session's history counts too: *was* must have seen every result that anybody may have heard of.
    """
    guard = save(changed, was=was)
    return Statement(f"{guard.sql} AND revision = ?", (*guard.params, was.revision))


def touch(session_id: str) -> Statement:
    """Return the statement that tells other processes that the session's history grew."""
    return Statement("UPDATE sessions SET revision = revision + 1 WHERE id = ?", (session_id,))


async def standing(database: Database, session_id: str) -> tuple[int, bool] | None:
    """Return the stored revision and whether the session is closed, or None if there is no such session."""
    rows = await database.read("SELECT revision, closed FROM sessions WHERE id = ?", session_id)
    return (int(rows[0][0]), bool(rows[0][1])) if rows else None


async def load(database: Database, session_id: str) -> Session | None:
    """Return the session without history and memory, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", session_id)
    return _session(rows[0]) if rows else None


async def page(database: Database, tenant: str, *, before: str, limit: int) -> list[Session]:
    """Return a tenant's sessions, newest first, with ids below *before* (empty: from the newest)."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM sessions WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?",
        tenant,
        before or "ses_~",
        limit,
    )
    return [_session(row) for row in rows]


def _session(row: Row) -> Session:
    document: dict[str, Any] = orjson.loads(row[7])
    plan = document.pop("plan")
    document["consent"] = tuple(document["consent"])
    document["overheard"] = [Overheard(**heard) for heard in document.get("overheard", ())]
    declassified = [declassification_from_json(given) for given in document.pop("declassified", ())]
    return Session(
        id=row[0],
        tenant=row[1],
        opener=row[2],
        closed=bool(row[3]),
        revision=int(row[4]),
        opened_at=row[5],
        expires_at=row[6],
        plan=plan_of(plan) if plan is not None else None,
        declassified=declassified,
        memory=Memory(declassified=declassified),
        **document,
    )


async def opened(database: Database, now: float) -> int:
    """Return how many sessions of all tenants are open at *now*."""
    rows = await database.read("SELECT COUNT(*) FROM sessions WHERE closed = 0 AND expires_at > ?", now)
    return int(rows[0][0])
