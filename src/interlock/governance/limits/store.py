"""The tables of kill switches, and every statement that touches them."""

from __future__ import annotations

from interlock.foundation.store import Database, Statement
from interlock.governance.limits.switch import Switch, SwitchScope, SwitchTarget

CAPABILITY = "switches"

STEPS = (
    """
    CREATE TABLE switches (
        scope {text} NOT NULL, target {text} NOT NULL, tenant {text} NOT NULL, reason {text} NOT NULL,
        set_by {text} NOT NULL, set_at double precision NOT NULL, PRIMARY KEY (scope, target, tenant)
    );
    CREATE TABLE switch_revision (id INTEGER PRIMARY KEY, revision {bigint} NOT NULL);
    INSERT INTO switch_revision (id, revision) VALUES (1, 1);
    """,
)

CHANGED = Statement("UPDATE switch_revision SET revision = revision + 1 WHERE id = 1")
"""Goes with every change, so that other processes notice."""

_SET = (
    "INSERT INTO switches (scope, target, tenant, reason, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (scope, target, tenant) DO UPDATE SET reason = excluded.reason, "
    "set_by = excluded.set_by, set_at = excluded.set_at"
)


def saved(switch: Switch) -> Statement:
    """Return the change that sets *switch*, or gives one that is set its new reason."""
    what = switch.what
    return Statement(_SET, (what.scope.value, what.target, what.tenant, switch.reason, switch.by, switch.at))


def removed(what: SwitchTarget) -> Statement:
    """Return the guard that clears a switch which is set."""
    sql = "DELETE FROM switches WHERE scope = ? AND target = ? AND tenant = ?"
    return Statement(sql, (what.scope.value, what.target, what.tenant))


async def revision(database: Database) -> int:
    """Return a number that grows with every change."""
    rows = await database.read("SELECT revision FROM switch_revision WHERE id = 1")
    return int(rows[0][0])


async def switches(database: Database) -> list[Switch]:
    """Return every switch that is set."""
    rows = await database.read("SELECT scope, target, tenant, reason, set_by, set_at FROM switches ORDER BY set_at")
    return [Switch(SwitchTarget(SwitchScope(row[0]), row[1], row[2]), row[3], row[4], row[5]) for row in rows]
