"""The table of approvals: one row for each role asked about one action; changes are guarded by revision."""

from __future__ import annotations

import orjson

from interlock.foundation.store import Database, Row, Statement
from interlock.orchestration.approvals.approval import Approval, ApprovalState

MIGRATIONS = (
    """CREATE TABLE approvals (
        id {text} PRIMARY KEY, tenant {text} NOT NULL, action {text} NOT NULL, session {text} NOT NULL,
        role {text} NOT NULL,
        needed INTEGER NOT NULL, consent {text} NOT NULL, state {text} NOT NULL, deadline DOUBLE PRECISION NOT NULL,
        created DOUBLE PRECISION NOT NULL, revision {bigint} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX approvals_by_action ON approvals (action)",
    "CREATE INDEX approvals_pending ON approvals (tenant, id) WHERE state = 'pending'",
    "DROP INDEX approvals_pending",
    "CREATE INDEX approvals_due ON approvals (deadline) WHERE state = 'pending'",
    "CREATE INDEX approvals_by_state ON approvals (tenant, state, id)",
    "CREATE INDEX approvals_by_tenant ON approvals (tenant, id)",
)

_COLUMNS = "id, tenant, action, session, role, needed, consent, state, deadline, created, revision, document"


def insert(approval: Approval) -> Statement:
    """Return the statement that stores a new approval."""
    return Statement(
        f"INSERT INTO approvals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            approval.id,
            approval.tenant,
            approval.action,
            approval.session,
            approval.role,
            approval.needed,
            approval.consent,
            approval.state.value,
            approval.deadline,
            approval.created,
            approval.revision,
            orjson.dumps(approval.document()),
        ),
    )


def save(approval: Approval) -> Statement:
    """Return the guard that stores *approval* if it is still pending and has the revision it was read with."""
    return Statement(
        "UPDATE approvals SET state = ?, deadline = ?, document = ?, revision = revision + 1"
        " WHERE id = ? AND revision = ? AND state = 'pending'",
        (
            approval.state.value,
            approval.deadline,
            orjson.dumps(approval.document()),
            approval.id,
            approval.revision,
        ),
    )


def void(action_id: str, *, keep: str = "") -> Statement:
    """Return the statement that voids an action's approvals, but for those bound to the consent *keep*."""
    return Statement(
        "UPDATE approvals SET state = 'void', revision = revision + 1"
        " WHERE action = ? AND consent <> ? AND state IN ('pending', 'approved')",
        (action_id, keep),
    )


def dismiss(action_id: str) -> Statement:
    """Return the statement that voids those of an action's approvals that nobody needs to decide any more."""
    return Statement(
        "UPDATE approvals SET state = 'void', revision = revision + 1 WHERE action = ? AND state = 'pending'",
        (action_id,),
    )


def lapse(approval: Approval) -> Statement:
    """Return the statement that voids an approval that was given and not used in time."""
    return Statement(
        "UPDATE approvals SET state = 'void', revision = revision + 1 WHERE id = ? AND state = 'approved'",
        (approval.id,),
    )


async def load(database: Database, approval_id: str) -> Approval | None:
    """Return the approval, or None."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM approvals WHERE id = ?", approval_id)
    return _approval(rows[0]) if rows else None


async def of_action(database: Database, action_id: str) -> list[Approval]:
    """Return all approvals ever asked for an action, oldest first."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM approvals WHERE action = ? ORDER BY id", action_id)
    return [_approval(row) for row in rows]


async def page(database: Database, tenant: str, *, state: str, before: str, limit: int) -> list[Approval]:
    """Return a tenant's approvals, newest first, in *state* if one is given."""
    where, params = ["tenant = ?", "id < ?"], [tenant, before or "apr_~"]
    if state:
        where.append("state = ?")
        params.append(state)
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM approvals WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", *params, limit
    )
    return [_approval(row) for row in rows]


async def overdue(database: Database, now: float) -> list[Approval]:
    """Return pending approvals of all tenants whose deadline has passed, the longest overdue first."""
    rows = await database.read(
        f"SELECT {_COLUMNS} FROM approvals WHERE state = 'pending' AND deadline < ? ORDER BY deadline LIMIT 500", now
    )
    return [_approval(row) for row in rows]


def _approval(row: Row) -> Approval:
    return Approval(
        id=row[0],
        tenant=row[1],
        action=row[2],
        session=row[3],
        role=row[4],
        needed=int(row[5]),
        consent=row[6],
        state=ApprovalState(row[7]),
        deadline=row[8],
        created=row[9],
        revision=int(row[10]),
        **orjson.loads(row[11]),
    )


async def waiting(database: Database) -> int:
    """Return how many approvals of all tenants wait for a person."""
    return int((await database.read("SELECT COUNT(*) FROM approvals WHERE state = 'pending'"))[0][0])
