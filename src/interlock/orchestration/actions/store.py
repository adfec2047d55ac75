"""The table of actions: one row each; every change after the first is guarded by state and revision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.actions.action import Action, action_from_document
from interlock.orchestration.sessions.plan import counted
from interlock.values.actions import WITHOUT_EFFECT, ActionState

MIGRATIONS = (
    """CREATE TABLE actions (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, session {text} NOT NULL, operation {text} NOT NULL,
        state {text} NOT NULL, client_key {text} NOT NULL, owner {text} NOT NULL, undone_by {text} NOT NULL,
        revision {bigint} NOT NULL,
        created DOUBLE PRECISION NOT NULL, updated DOUBLE PRECISION NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX actions_by_session ON actions (session, id)",
    "CREATE INDEX actions_unfinished ON actions (state, id) WHERE state IN ('waiting', 'executing', 'in_doubt')",
    "CREATE UNIQUE INDEX actions_by_client_key ON actions (session, client_key) WHERE client_key <> ''",
    "CREATE INDEX actions_by_tenant ON actions (tenant, id)",
    "ALTER TABLE actions ADD COLUMN place {text} NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX actions_by_place ON actions (session, place) WHERE place <> ''",
    # What most actions are, on their way and in the end, is in none of these, so that keeping them costs nothing.
    "CREATE INDEX actions_by_state ON actions (tenant, state, id) WHERE state NOT IN ('executing', 'succeeded')",
)

_COLUMNS = "id, tenant, session, operation, state, client_key, owner, undone_by, revision, created, updated, document"
# An index of some rows is used by a query that says so in the same words, beside what it looks for.
_UNFINISHED = "state IN ('waiting', 'executing', 'in_doubt')"
_UNUSUAL = "state NOT IN ('executing', 'succeeded')"
_UNFINISHED_STATES = frozenset({ActionState.waiting, ActionState.executing, ActionState.in_doubt})
_USUAL = frozenset({ActionState.executing, ActionState.succeeded})


def insert(action: Action) -> Statement:
    """Return the guard that stores a new action, unless its client key or place was taken at the same moment."""
    marks = ", ".join("?" * 13)
    return Statement(
        f"INSERT INTO actions ({_COLUMNS}, place) VALUES ({marks}) ON CONFLICT DO NOTHING",
        (
            action.id,
            action.tenant,
            action.session,
            action.operation,
            action.state.value,
            action.client_key,
            action.owner,
            action.undone_by,
            action.revision,
            action.created,
            action.updated,
            orjson.dumps(action.document()),
            _held(action),
        ),
    )


def save(action: Action, *, was: ActionState) -> Statement:
    """Return the guard that stores *action* only if it still has the state *was* and the revision it was read with."""
    return Statement(
        "UPDATE actions SET state = ?, owner = ?, updated = ?, document = ?, place = ?, revision = revision + 1"
        " WHERE id = ? AND state = ? AND revision = ?",
        (
            action.state.value,
            action.owner,
            action.updated,
            orjson.dumps(action.document()),
            _held(action),
            action.id,
            was.value,
            action.revision,
        ),
    )


def undoing(action_id: str, undo: str, *, before: str) -> Statement:
    """Return the guard that makes *undo* the one undo of a succeeded action, in place of *before* (or none)."""
    return Statement(
        "UPDATE actions SET undone_by = ?, revision = revision + 1"
        " WHERE id = ? AND state = 'succeeded' AND undone_by = ?",
        (undo, action_id, before),
    )


def compensate(action_id: str) -> Statement:
    """Return the statement that marks a succeeded action as undone."""
    return Statement(
        "UPDATE actions SET state = 'compensated', revision = revision + 1 WHERE id = ? AND state = 'succeeded'",
        (action_id,),
    )


async def load(database: Database, action_id: str) -> Action | None:
    """Return the action, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM actions WHERE id = ?", action_id)
    return _action(rows[0]) if rows else None


async def by_client_key(database: Database, session_id: str, client_key: str) -> Action | None:
    """Return the action that was proposed in the session under the caller's own key, or None."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE session = ? AND client_key = ? AND client_key <> ''",
        session_id,
        client_key,
    )
    return _action(rows[0]) if rows else None


async def under(database: Database, session_id: str, prefix: str, *, limit: int) -> list[Action]:
    """Return the newest *limit* actions whose callers' own keys begin with *prefix* (plain text), oldest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE session = ? AND client_key LIKE ? ORDER BY id DESC LIMIT ?",
        session_id,
        f"{prefix}%",
        limit,
    )
    return [_action(row) for row in reversed(rows)]


async def of_session(database: Database, session_id: str, *, limit: int) -> list[Action]:
    """Return the newest *limit* actions of a session, oldest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE session = ? ORDER BY id DESC LIMIT ?", session_id, limit
    )
    return [_action(row) for row in reversed(rows)]


async def effective(database: Database, session_id: str) -> AsyncIterator[Action]:
    """Return all actions of a session that took effect, oldest first, however many there are."""
    query = f"SELECT {_COLUMNS} FROM actions WHERE session = ? AND state IN ('succeeded', 'compensated') ORDER BY id"
    async for rows in database.scan(query, session_id):
        for row in rows:
            yield _action(row)


async def counts(database: Database, session_id: str) -> dict[str, int]:
    """Return how many actions a session has had, by operation."""
    query = "SELECT operation, COUNT(*) FROM actions WHERE session = ? GROUP BY operation"
    return {str(row[0]): int(row[1]) for row in await database.read(query, session_id)}


async def places(database: Database, session_id: str) -> frozenset[str]:
    """Return the counted places of the session's plan that actions hold."""
    rows = await database.read("SELECT place FROM actions WHERE session = ? AND place <> ''", session_id)
    return frozenset(str(row[0]) for row in rows)


async def page(
    database: Database, tenant: str, *, states: Sequence[ActionState], session: str, before: str, limit: int
) -> list[Action]:
    """Return a tenant's actions, newest first; *states* and *session* narrow them where given."""
    where, params = [_narrowed(states, session), "id < ?"], [tenant, before or "act_~"]
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        params.extend(state.value for state in states)
    if session:
        where.append("session = ?")
        params.append(session)
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", *params, limit
    )
    return [_action(row) for row in rows]


def _narrowed(states: Sequence[ActionState], session: str) -> str:
    """Return how to ask for the tenant, so that the index of the least rows is used: an expression is in none."""
    if session:
        return "tenant || '' = ?"
    if states and _UNFINISHED_STATES.issuperset(states):
        return f"{_UNFINISHED} AND tenant || '' = ?"
    return f"{_UNUSUAL} AND tenant = ?" if states and _USUAL.isdisjoint(states) else "tenant = ?"


async def in_state(database: Database, state: ActionState, *, after: str, limit: int) -> list[Action]:
    """Return actions of all tenants in an unfinished *state*, with ids beyond *after*, oldest first; for settlement."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE state = ? AND {_UNFINISHED} AND id > ? ORDER BY id LIMIT ?",
        state.value,
        after,
        limit,
    )
    return [_action(row) for row in rows]


async def states(database: Database, action_ids: Sequence[str]) -> dict[str, ActionState]:
    """Return the states of actions, by id; one that is not there is left out."""
    if not action_ids:
        return {}
    marks = ", ".join("?" * len(action_ids))
    rows = await database.read(f"SELECT id, state FROM actions WHERE id IN ({marks})", *action_ids)
    return {str(row[0]): ActionState(row[1]) for row in rows}


async def owners(database: Database) -> list[str]:
    """Return the processes that have actions in execution."""
    rows = await database.read(
        f"SELECT DISTINCT owner FROM actions WHERE state = 'executing' AND {_UNFINISHED} AND owner <> ''"
    )
    return [str(row[0]) for row in rows]


async def owned(database: Database, owner: str) -> list[Action]:
    """Return the actions that *owner* has in execution."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM actions WHERE state = 'executing' AND {_UNFINISHED} AND owner = ? ORDER BY id", owner
    )
    return [_action(row) for row in rows]


def _held(action: Action) -> str:
    """Return the place that the action holds in its session's plan, so that no other has it; none without effect."""
    return str(action.place) if counted(action.place) and action.state not in WITHOUT_EFFECT else ""


def _action(row: Row) -> Action:
    columns = {
        "id": row[0],
        "tenant": row[1],
        "session": row[2],
        "operation": row[3],
        "state": ActionState(row[4]),
        "client_key": row[5],
        "owner": row[6],
        "undone_by": row[7],
        "revision": int(row[8]),
        "created": row[9],
        "updated": row[10],
    }
    return action_from_document(columns, orjson.loads(row[11]))


async def doubtful(database: Database) -> int:
    """Return how many actions of all tenants are in doubt."""
    found = await database.read(f"SELECT COUNT(*) FROM actions WHERE state = 'in_doubt' AND {_UNFINISHED}")
    return int(found[0][0])
