"""The table of API keys, and every statement that touches it."""

from __future__ import annotations

from interlock.foundation.store import Database, Row, Statement
from interlock.governance.credentials.key import Key
from interlock.values.principals import Kind

CAPABILITY = "credentials"

STEPS = (
    """
    CREATE TABLE api_keys (
        id {text} PRIMARY KEY, digest {text} NOT NULL UNIQUE, kind {text} NOT NULL, principal {text} NOT NULL,
        tenant {text} NOT NULL, scopes {text} NOT NULL, note {text} NOT NULL,
        created double precision NOT NULL, created_by {text} NOT NULL,
        starts double precision, expires double precision, revoked double precision, successor {text} NOT NULL
    );
    CREATE INDEX api_keys_tenant ON api_keys (tenant, created);
    CREATE TABLE api_key_revision (id INTEGER PRIMARY KEY, revision {bigint} NOT NULL);
    INSERT INTO api_key_revision (id, revision) VALUES (1, 1);
    """,
)

CHANGED = Statement("UPDATE api_key_revision SET revision = revision + 1 WHERE id = 1")
"""Goes with every change, so that other processes notice."""

_COLUMNS = "id, digest, kind, principal, tenant, scopes, note, created, created_by, starts, expires, revoked, successor"
_ADD = f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def added(key: Key) -> Statement:
    """Return the change that keeps a new key."""
    scopes = " ".join(sorted(key.scopes))
    who = (key.id, key.digest, key.kind.value, key.principal, key.tenant, scopes, key.note)
    when = (key.created, key.created_by, key.starts, key.expires, key.revoked, key.successor)
    return Statement(_ADD, (*who, *when))


def revoked(key_id: str, tenant: str, at: float) -> Statement:
    """Return the guard that revokes a key which is not revoked yet."""
    sql = "UPDATE api_keys SET revoked = ? WHERE id = ? AND tenant = ? AND revoked IS NULL"
    return Statement(sql, (at, key_id, tenant))


def succeeded(old: Key, new: Key, *, until: float) -> Statement:
    """Return the guard that lets *old* end at *until*, if nothing has happened to it meanwhile."""
    sql = (
        "UPDATE api_keys SET successor = ?, expires = ? "
        "WHERE id = ? AND tenant = ? AND revoked IS NULL AND successor = ''"
    )
    return Statement(sql, (new.id, until, old.id, old.tenant))


async def revision(database: Database) -> int:
    """Return a number that grows with every change."""
    rows = await database.read("SELECT revision FROM api_key_revision WHERE id = 1")
    return int(rows[0][0])


async def by_digest(database: Database, digest: str) -> Key | None:
    """Return the key with this digest, of whatever tenant."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM api_keys WHERE digest = ?", digest)
    return _key(rows[0]) if rows else None


async def by_id(database: Database, key_id: str) -> Key | None:
    """Return the key with this id, of whatever tenant."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?", key_id)
    return _key(rows[0]) if rows else None


async def of_tenant(database: Database, tenant: str) -> list[Key]:
    """Return a tenant's keys, oldest first."""
    rows = await database.read(f"SELECT {_COLUMNS} FROM api_keys WHERE tenant = ? ORDER BY created, id", tenant)
    return [_key(row) for row in rows]


async def demo_ids(database: Database, now: float) -> list[str]:
    """Return the ids of demo keys that are neither revoked nor expired, of all tenants."""
    sql = "SELECT id FROM api_keys WHERE id LIKE 'demo%' AND revoked IS NULL AND (expires IS NULL OR expires > ?)"
    return [row[0] for row in await database.read(sql + " ORDER BY id", now)]


def _key(row: Row) -> Key:
    scopes = frozenset(row[5].split())
    return Key(row[0], row[1], Kind(row[2]), row[3], row[4], scopes, *row[6:13])
