"""The journal's tables, and every statement that touches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interlock.foundation.store import Append, Database, Row, Statement
from interlock.governance.journal.chain import START, Tip

CAPABILITY = "journal"

STEPS = (
    """
    CREATE TABLE journal (
        chain {text} NOT NULL, seq {bigint} NOT NULL, at {text} NOT NULL, kind {text} NOT NULL,
        tenant {text} NOT NULL, subject {text} NOT NULL, session {text} NOT NULL, actor {text} NOT NULL,
        body {text} NOT NULL, hash {blob} NOT NULL, PRIMARY KEY (chain, seq)
    );
    CREATE INDEX journal_subject ON journal (subject);
    CREATE INDEX journal_session ON journal (session) WHERE session <> '';
    CREATE INDEX journal_tenant ON journal (tenant, at);
    CREATE TABLE journal_payload (
        chain {text} NOT NULL, seq {bigint} NOT NULL, payload {text} NOT NULL, PRIMARY KEY (chain, seq)
    );
    CREATE TABLE journal_checkpoints (
        chain {text} PRIMARY KEY, seq {bigint} NOT NULL, hash {blob} NOT NULL, anchored {bigint} NOT NULL,
        line {text} NOT NULL
    );
    """,
)

_COLUMNS = ("chain", "seq", "at", "kind", "tenant", "subject", "session", "actor", "body", "hash")
SELECT = ", ".join(f"j.{column}" for column in _COLUMNS)
WITH_PAYLOAD = "LEFT JOIN journal_payload p ON p.chain = j.chain AND p.seq = j.seq"
WITH_PREVIOUS = "LEFT JOIN journal b ON b.chain = j.chain AND b.seq = j.seq - 1"

_RECORD = f"INSERT INTO journal ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PAYLOAD = "INSERT INTO journal_payload (chain, seq, payload) VALUES (?, ?, ?)"
_SIGNED = (
    "INSERT INTO journal_checkpoints (chain, seq, hash, anchored, line) VALUES (?, ?, ?, 0, ?) "
    "ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, line = excluded.line "
    "WHERE excluded.seq > journal_checkpoints.seq"
)
_ANCHORED = "UPDATE journal_checkpoints SET anchored = ? WHERE chain = ? AND anchored < ?"
_CHAINS = (
    "WITH RECURSIVE chains (chain) AS (SELECT min(chain) FROM journal UNION ALL "
    "SELECT (SELECT min(chain) FROM journal WHERE chain > chains.chain) FROM chains WHERE chains.chain IS NOT NULL) "
)  # one step of the index per chain, not one per record
_TENANTS = (
    "WITH RECURSIVE tenants (tenant) AS (SELECT min(tenant) FROM journal UNION ALL "
    "SELECT (SELECT min(tenant) FROM journal WHERE tenant > tenants.tenant) FROM tenants "
    "WHERE tenants.tenant IS NOT NULL) SELECT tenant FROM tenants WHERE tenant IS NOT NULL"
)
_HEADS = (
    _CHAINS + "SELECT j.chain, j.seq, j.hash, coalesce(c.seq, 0), coalesce(c.anchored, 0) "
    "FROM chains JOIN journal j ON j.chain = chains.chain "
    "AND j.seq = (SELECT max(seq) FROM journal m WHERE m.chain = chains.chain) "
    "LEFT JOIN journal_checkpoints c ON c.chain = chains.chain ORDER BY j.chain"
)


class Head(NamedTuple):
    """A chain's last record, and how far checkpoints sign it and other chains name it."""

    chain: str
    seq: int
    hash: bytes
    signed: int
    anchored: int


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A row of the checkpoints table: the last signed head of a chain, and the line that signs it."""

    chain: str
    seq: int
    hash: bytes
    line: str


def records(rows: Sequence[Row]) -> Append:
    """Return the insertion of rows as `Chain.link` makes them."""
    return Append(_RECORD, rows)


def payloads(rows: Sequence[tuple[str, int, str]]) -> Append:
    """Return the insertion of payloads: chain, number, JSON text."""
    return Append(_PAYLOAD, rows)


def payload_replaced(chain: str, seq: int, *, old: str, new: str) -> Statement:
    """Return the guard that replaces a payload if it is still *old*."""
    sql = "UPDATE journal_payload SET payload = ? WHERE chain = ? AND seq = ? AND payload = ?"
    return Statement(sql, (new, chain, seq, old))


def signed(head: SignedHead) -> Statement:
    """Return the change that keeps *head* as the chain's last signed one, if it is the furthest."""
    return Statement(_SIGNED, (head.chain, head.seq, head.hash, head.line))


def anchored(chain: str, seq: int) -> Statement:
    """Return the change that notes that another chain names this record."""
    return Statement(_ANCHORED, (seq, chain, seq))


async def tip(database: Database, chain: str) -> Tip:
    """Return the last record of *chain*."""
    rows = await database.read("SELECT seq, hash FROM journal WHERE chain = ? ORDER BY seq DESC LIMIT 1", chain)
    return Tip(rows[0][0], rows[0][1]) if rows else START


async def heads(database: Database) -> list[Head]:
    """Return the head of every chain."""
    return [Head(*row) async for rows in database.scan(_HEADS) for row in rows]


async def tenants(database: Database) -> list[str]:
    """Return every tenant that has records."""
    return [row[0] for row in await database.read(_TENANTS)]


async def signed_heads(database: Database) -> list[SignedHead]:
    """Return all rows of the checkpoints table."""
    query = "SELECT chain, seq, hash, line FROM journal_checkpoints ORDER BY chain"
    return [SignedHead(*row) async for rows in database.scan(query) for row in rows]


async def unlike_signed(database: Database) -> list[tuple[str, int]]:
    """Return chain and number of the first signed head whose record is missing or has another hash."""
    query = (
        "SELECT c.chain, c.seq FROM journal_checkpoints c LEFT JOIN journal j ON j.chain = c.chain AND j.seq = c.seq "
        "WHERE j.hash IS NULL OR j.hash <> c.hash ORDER BY c.chain LIMIT 1"
    )
    return [(row[0], row[1]) async for rows in database.scan(query) for row in rows]


async def hash_at(database: Database, chain: str, seq: int) -> bytes | None:
    """Return a record's stored hash, or None if there is no such record."""
    rows = await database.read("SELECT hash FROM journal WHERE chain = ? AND seq = ?", chain, seq)
    return rows[0][0] if rows else None


async def after(database: Database, chain: str, seq: int, *, limit: int) -> list[Row]:
    """Return up to *limit* records of *chain* after number *seq*, each row followed by its payload or None.

    Pages instead of one long scan, so that no old snapshot keeps the database from tidying up.
    """
    where = ("j.chain = ?", "j.seq > ?")
    query = select(where, order="j.seq", columns=f"{SELECT}, p.payload", joins=WITH_PAYLOAD) + " LIMIT ?"
    return [row async for rows in database.scan(query, chain, seq, limit) for row in rows]


async def stray_payloads(database: Database) -> list[Row]:
    """Return the first payloads that belong to no record."""
    query = (
        "SELECT p.chain, p.seq FROM journal_payload p LEFT JOIN journal j ON j.chain = p.chain AND j.seq = p.seq "
        "WHERE j.chain IS NULL ORDER BY p.chain, p.seq LIMIT 1"
    )
    return [row async for rows in database.scan(query) for row in rows]


def select(where: Sequence[str], *, order: str, columns: str = SELECT, joins: str = "") -> str:
    """Return a query over the journal table `j`."""
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    return f"SELECT {columns} FROM journal j {joins}{condition} ORDER BY {order}"


async def payloads_of(database: Database, tenant: str, subject: str) -> list[tuple[str, int, str]]:
    """Return chain, number and payload of all records about *subject*."""
    query = f"SELECT p.chain, p.seq, p.payload FROM journal j {WITH_PAYLOAD} WHERE j.subject = ? AND j.tenant = ? "
    rows = await database.read(query + "AND p.chain IS NOT NULL ORDER BY p.chain, p.seq", subject, tenant)
    return [(row[0], row[1], row[2]) for row in rows]


async def erasures(database: Database, tenant: str, subject: str, kind: str) -> list[str]:
    """Return the bodies of the records of *kind* about *subject*."""
    query = "SELECT body FROM journal WHERE subject = ? AND tenant = ? AND kind = ?"
    return [row[0] for row in await database.read(query, subject, tenant, kind)]


async def tidied(database: Database) -> None:
    """Fold SQLite's write-ahead log into the file and empty it, so that it holds no older content."""
    if database.dialect == "sqlite":
        async for _ in database.scan("PRAGMA wal_checkpoint(TRUNCATE)"):
            pass
