"""The table of job runs; changes after the first are guarded by revision."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.intelligence.confidence import Outcome
from interlock.orchestration.jobs.run import JobRun, State, run_from_document

MIGRATIONS = (
    """CREATE TABLE job_runs (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, job {text} NOT NULL, principal {text} NOT NULL,
        state {text} NOT NULL, verdict {text} NOT NULL, estimator {text} NOT NULL, estimate DOUBLE PRECISION,
        confidence DOUBLE PRECISION, correct INTEGER, evaluation INTEGER NOT NULL, created DOUBLE PRECISION NOT NULL,
        revision {bigint} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX job_runs_by_job ON job_runs (tenant, job, id)",
    "CREATE INDEX job_runs_judged ON job_runs (tenant, job, estimator, id) WHERE correct IS NOT NULL",
)

LEARNT_FROM = 2000
"""How many of the newest outcomes calibration learns from."""

_COLUMNS = "id, tenant, job, principal, state, verdict, correct, evaluation, created, revision, document"


def insert(run: JobRun) -> Statement:
    """Return the statement that stores a new run."""
    sure = run.confidence
    return Statement(
        "INSERT INTO job_runs (id, tenant, job, principal, state, verdict, estimator, estimate, confidence, correct,"
        " evaluation, created, revision, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.id,
            run.tenant,
            run.job,
            run.principal,
            run.state.value,
            run.verdict,
            sure.estimator if sure else "",
            sure.estimate if sure else None,
            sure.value if sure else None,
            None if run.correct is None else int(run.correct),
            int(run.evaluation),
            run.created,
            run.revision,
            orjson.dumps(run.document()),
        ),
    )


def save(run: JobRun) -> Statement:
    """Return the guard that stores *run* if it still has the revision it was read with."""
    sure = run.confidence
    return Statement(
        "UPDATE job_runs SET state = ?, verdict = ?, estimator = ?, estimate = ?, confidence = ?, correct = ?,"
        " document = ?, revision = revision + 1 WHERE id = ? AND revision = ?",
        (
            run.state.value,
            run.verdict,
            sure.estimator if sure else "",
            sure.estimate if sure else None,
            sure.value if sure else None,
            None if run.correct is None else int(run.correct),
            orjson.dumps(run.document()),
            run.id,
            run.revision,
        ),
    )


def supersede(tenant: str, job: str) -> Statement:
    """Return the statement by which earlier evaluations of a job teach nothing any more."""
    return Statement(
        "UPDATE job_runs SET evaluation = 2 WHERE tenant = ? AND job = ? AND evaluation = 1", (tenant, job)
    )


async def load(database: Database, run_id: str) -> JobRun | None:
    """Return the run, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM job_runs WHERE id = ?", run_id)
    return _run(rows[0]) if rows else None


async def page(
    database: Database, tenant: str, job: str, *, state: str, principal: str, before: str, limit: int
) -> list[JobRun]:
    """Return the runs of a tenant's job, newest first; in *state* and by *principal*, if these are given."""
    where, params = ["tenant = ?", "job = ?", "id < ?"], [tenant, job, before or "run_~"]
    for column, value in (("state", state), ("principal", principal)):
        if value:
            where.append(f"{column} = ?")
            params.append(value)
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM job_runs WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", *params, limit
    )
    return [_run(row) for row in rows]


async def outcomes(
    database: Database, tenant: str, job: str, estimator: str, *, evaluations: bool = True
) -> list[tuple[Outcome, float]]:
    """Return the newest outcomes of a job's answers, each with the confidence that was told when it was given.

    They are those of runs, and with *evaluations* those of the latest evaluation too.
    """
    rows = await database.read(
        "SELECT estimate, correct, confidence FROM job_runs WHERE tenant = ? AND job = ? AND estimator = ?"
        " AND correct IS NOT NULL AND estimate IS NOT NULL AND evaluation <= ? ORDER BY id DESC LIMIT ?",
        tenant,
        job,
        estimator,
        int(evaluations),
        LEARNT_FROM,
    )
    return [(Outcome(float(row[0]), bool(row[1])), float(row[2])) for row in rows]


def _run(row: Row) -> JobRun:
    return run_from_document(
        orjson.loads(row[10]),
        id=row[0],
        tenant=row[1],
        job=row[2],
        principal=row[3],
        state=State(row[4]),
        verdict=row[5],
        correct=None if row[6] is None else bool(row[6]),
        evaluation=bool(row[7]),
        created=row[8],
        revision=int(row[9]),
    )
