"""The table of runs of teams; changes after the first are guarded by revision."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.teams.run import TeamRun, TeamState, run_from_document

MIGRATIONS = (
    """CREATE TABLE team_runs (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, session {text} NOT NULL, team {text} NOT NULL,
        state {text} NOT NULL, owner {text} NOT NULL, created DOUBLE PRECISION NOT NULL,
        updated DOUBLE PRECISION NOT NULL, revision {bigint} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX team_runs_unended ON team_runs (id) WHERE state <> 'ended'",
)

_COLUMNS = "id, tenant, session, team, state, owner, created, updated, revision, document"


def insert(run: TeamRun) -> Statement:
    """Return the statement that stores a new run."""
    return Statement(
        f"INSERT INTO team_runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.id,
            run.tenant,
            run.session,
            run.team,
            run.state.value,
            run.owner,
            run.created,
            run.updated,
            run.revision,
            orjson.dumps(run.document()),
        ),
    )


def save(run: TeamRun) -> Statement:
    """Return the guard that stores *run* if it still has the revision it was read with."""
    return Statement(
        "UPDATE team_runs SET state = ?, owner = ?, updated = ?, document = ?, revision = revision + 1"
        " WHERE id = ? AND revision = ?",
        (run.state.value, run.owner, run.updated, orjson.dumps(run.document()), run.id, run.revision),
    )


async def load(database: Database, run_id: str) -> TeamRun | None:
    """Return the run, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM team_runs WHERE id = ?", run_id)
    return _run(rows[0]) if rows else None


async def unended(database: Database, *, after: str, limit: int) -> list[TeamRun]:
    """Return runs of all tenants that have not ended, oldest first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM team_runs WHERE state <> 'ended' AND id > ? ORDER BY id LIMIT ?", after, limit
    )
    return [_run(row) for row in rows]


def _run(row: Row) -> TeamRun:
    return run_from_document(
        orjson.loads(row[9]),
        id=row[0],
        tenant=row[1],
        session=row[2],
        team=row[3],
        state=TeamState(row[4]),
        owner=row[5],
        created=row[6],
        updated=row[7],
        revision=int(row[8]),
    )
