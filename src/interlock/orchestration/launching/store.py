"""The table of runs of triggers: one for each cause; changes after the first are guarded by revision."""

from __future__ import annotations

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.launching.run import RunState, TriggerRun

MIGRATIONS = (
    """CREATE TABLE trigger_runs (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, trigger_name {text} NOT NULL, cause {text} NOT NULL,
        state {text} NOT NULL, created DOUBLE PRECISION NOT NULL, updated DOUBLE PRECISION NOT NULL,
        owner {text} NOT NULL, session {text} NOT NULL, turn {text} NOT NULL, attempts {bigint} NOT NULL,
        next_try DOUBLE PRECISION NOT NULL, problem {text} NOT NULL, revision {bigint} NOT NULL)""",
    "CREATE UNIQUE INDEX trigger_runs_causes ON trigger_runs (trigger_name, cause)",
    "CREATE INDEX trigger_runs_open ON trigger_runs (next_try) WHERE state IN ('due', 'starting')",
    "CREATE INDEX trigger_runs_by_trigger ON trigger_runs (trigger_name, id)",
    "CREATE INDEX trigger_runs_over ON trigger_runs (updated) WHERE state IN ('started', 'failed')",
)
_OVER = "state IN ('started', 'failed') AND updated < ?"
_COLUMNS = (
    "id, tenant, trigger_name, cause, state, created, updated, owner, session, turn, attempts, next_try, problem,"
    " revision"
)


def insert(run: TriggerRun) -> Statement:
    """Return the statement that stores a new run, unless there is one for its cause."""
    return Statement(
        f"INSERT INTO trigger_runs ({_COLUMNS}) VALUES ({', '.join('?' * 14)}) ON CONFLICT DO NOTHING",
        (
            run.id,
            run.tenant,
            run.trigger,
            run.cause,
            run.state.value,
            run.created,
            run.updated,
            run.owner,
            run.session,
            run.turn,
            run.attempts,
            run.next_try,
            run.problem,
            run.revision,
        ),
    )


def save(run: TriggerRun) -> Statement:
    """Return the guard that stores *run* if it still has the revision it was read with."""
    return Statement(
        "UPDATE trigger_runs SET state = ?, updated = ?, owner = ?, session = ?, turn = ?, attempts = ?, next_try = ?,"
        " problem = ?, revision = revision + 1 WHERE id = ? AND revision = ?",
        (
            run.state.value,
            run.updated,
            run.owner,
            run.session,
            run.turn,
            run.attempts,
            run.next_try,
            run.problem,
            run.id,
            run.revision,
        ),
    )


async def unstarted(database: Database, *, now: float, limit: int) -> list[TriggerRun]:
    """Return runs of all tenants that have not started and may be tried now, the longest due first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM trigger_runs WHERE state IN ('due', 'starting') AND next_try <= ?"
        " ORDER BY next_try LIMIT ?",
        now,
        limit,
    )
    return [_run(row) for row in rows]


async def latest(database: Database, trigger: str) -> TriggerRun | None:
    """Return the newest run of a trigger, or None."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM trigger_runs WHERE trigger_name = ? ORDER BY id DESC LIMIT 1", trigger
    )
    return _run(rows[0]) if rows else None


async def page(database: Database, tenant: str, trigger: str, *, before: str, limit: int) -> list[TriggerRun]:
    """Return a tenant's runs of a trigger, newest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM trigger_runs WHERE tenant = ? AND trigger_name = ? AND id < ?"
        " ORDER BY id DESC LIMIT ?",
        tenant,
        trigger,
        before or "~",
        limit,
    )
    return [_run(row) for row in rows]


async def older(database: Database, before: float) -> int:
    """Return how many runs that are over were last changed before a moment."""
    rows = await database.read(f"SELECT COUNT(*) FROM trigger_runs WHERE {_OVER}", before)
    return int(rows[0][0])


def pruned(before: float) -> Statement:
    """Return the statement that lets go of runs that are over and were last changed before a moment."""
    return Statement(f"DELETE FROM trigger_runs WHERE {_OVER}", (before,))


def _run(row: Row) -> TriggerRun:
    return TriggerRun(
        id=row[0],
        tenant=row[1],
        trigger=row[2],
        cause=row[3],
        state=RunState(row[4]),
        created=float(row[5]),
        updated=float(row[6]),
        owner=row[7],
        session=row[8],
        turn=row[9],
        attempts=int(row[10]),
        next_try=float(row[11]),
        problem=row[12],
        revision=int(row[13]),
    )
