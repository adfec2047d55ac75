"""The tables of budgets, and every statement that touches them.

One row per budget, pot and period. A transaction that touches pots takes each of them first, sorted (`taken`), so that
processes never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.foundation.store import Database, Statement
from interlock.governance.budgets.budget import Amount, Hold, PotKey

CAPABILITY = "budgets"

STEPS = (
    """
    CREATE TABLE budget_pots (
        budget {text} NOT NULL, pot {text} NOT NULL, period {text} NOT NULL, tenant {text} NOT NULL,
        spent_money {bigint} NOT NULL, spent_tokens {bigint} NOT NULL,
        reserved_money {bigint} NOT NULL, reserved_tokens {bigint} NOT NULL,
        unpriced {bigint} NOT NULL, taken {bigint} NOT NULL, PRIMARY KEY (budget, pot, period)
    );
    CREATE TABLE budget_reservations (
        id {text} PRIMARY KEY, owner {text} NOT NULL, tenant {text} NOT NULL, session {text} NOT NULL,
        at double precision NOT NULL, holds {text} NOT NULL
    );
    CREATE INDEX budget_reservations_owner ON budget_reservations (owner);
    CREATE TABLE budget_warnings (
        budget {text} NOT NULL, pot {text} NOT NULL, period {text} NOT NULL, threshold {text} NOT NULL,
        PRIMARY KEY (budget, pot, period, threshold)
    );
    """,
)

NO_LIMIT = 2**62
_POT = "budget = ? AND pot = ? AND period = ?"
_COLUMNS = "budget, pot, period, tenant, spent_money, spent_tokens, reserved_money, reserved_tokens, unpriced"
_TAKEN = (
    "INSERT INTO budget_pots (budget, pot, period, tenant, spent_money, spent_tokens, reserved_money, "
    "reserved_tokens, unpriced, taken) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 1) "
    "ON CONFLICT (budget, pot, period) DO UPDATE SET taken = budget_pots.taken + 1"
)
_HELD = (
    "UPDATE budget_pots SET reserved_money = reserved_money + ?, reserved_tokens = reserved_tokens + ? "
    f"WHERE {_POT} AND spent_money + reserved_money + ? <= ? AND spent_tokens + reserved_tokens + ? <= ?"
)
_SETTLED = (
    "UPDATE budget_pots SET reserved_money = reserved_money - ?, reserved_tokens = reserved_tokens - ?, "
    f"spent_money = spent_money + ?, spent_tokens = spent_tokens + ?, unpriced = unpriced + ? WHERE {_POT}"
)
_RESERVED = "INSERT INTO budget_reservations (id, owner, tenant, session, at, holds) VALUES (?, ?, ?, ?, ?, ?)"
_WARNED = (
    "INSERT INTO budget_warnings (budget, pot, period, threshold) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (budget, pot, period, threshold) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Pot:
    """What a counter stands at; *unpriced* is how many calls counted in it whose cost nobody knows."""

    key: PotKey
    spent_money: int = 0
    spent_tokens: int = 0
    reserved_money: int = 0
    reserved_tokens: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation as it is stored."""

    id: str
    owner: str
    tenant: str
    session: str
    at: float
    holds: tuple[Hold, ...]


def taken(key: PotKey) -> Statement:
    """Return the change that makes sure of a pot's row and keeps other transactions from it."""
    return Statement(_TAKEN, (key.budget, key.pot, key.period, key.tenant))


def held(hold: Hold) -> Statement:
    """Return the guard that adds *hold* to what is reserved, if the hard limit leaves room for it."""
    key, hard = hold.key, hold.hard
    most_money = NO_LIMIT if hard.money is None else hard.money
    most_tokens = NO_LIMIT if hard.tokens is None else hard.tokens
    amounts = (hold.money, hold.tokens, key.budget, key.pot, key.period)
    return Statement(_HELD, (*amounts, hold.money, most_money, hold.tokens, most_tokens))


def settled(hold: Hold, spent: Amount, *, unpriced: bool) -> Statement:
    """Return the change that replaces *hold* by what was *spent*."""
    key = hold.key
    amounts = (hold.money, hold.tokens, spent.money or 0, spent.tokens or 0, int(unpriced))
    return Statement(_SETTLED, (*amounts, key.budget, key.pot, key.period))


def reserved(one: Reserved) -> Statement:
    """Return the change that remembers a reservation for as long as it is open."""
    holds = [
        [h.key.budget, h.key.pot, h.key.period, h.key.tenant, h.money, h.tokens, list(h.models)] for h in one.holds
    ]
    return Statement(_RESERVED, (one.id, one.owner, one.tenant, one.session, one.at, orjson.dumps(holds).decode()))


def closed(reservation: str) -> Statement:
    """Return the guard that closes a reservation which is open: it happens once, whoever does it."""
    return Statement("DELETE FROM budget_reservations WHERE id = ?", (reservation,))


def warned(key: PotKey, threshold: str) -> Statement:
    """Return the guard that lets one warning of a threshold through in each period."""
    return Statement(_WARNED, (key.budget, key.pot, key.period, threshold))


async def owners(database: Database) -> list[str]:
    """Return every process that has open reservations."""
    return [row[0] for row in await database.read("SELECT DISTINCT owner FROM budget_reservations ORDER BY owner")]


async def owned(database: Database, owner: str) -> list[Reserved]:
    """Return the open reservations of *owner*."""
    query = "SELECT id, owner, tenant, session, at, holds FROM budget_reservations WHERE owner = ? ORDER BY id"
    rows = await database.read(query, owner)
    return [Reserved(row[0], row[1], row[2], row[3], row[4], _holds(row[5])) for row in rows]


async def pots(database: Database, keys: Sequence[PotKey]) -> list[Pot]:
    """Return the pots of *keys*; one that was never used is empty."""
    found = []
    for key in keys:
        query = f"SELECT {_COLUMNS} FROM budget_pots WHERE {_POT}"
        rows = await database.read(query, key.budget, key.pot, key.period)
        found.append(_pot(rows[0]) if rows else Pot(key))
    return found


async def every_pot(database: Database, periods: Sequence[str]) -> list[Pot]:
    """Return all pots of the given periods."""
    query = f"SELECT {_COLUMNS} FROM budget_pots WHERE period = ? ORDER BY budget, pot"
    return [_pot(row) for period in periods async for rows in database.scan(query, period) for row in rows]


_OVER = "length(period) = ? AND period < ?"
_IDLE = f"{_OVER} AND reserved_money = 0 AND reserved_tokens = 0"


async def over(database: Database, periods: Sequence[str]) -> int:
    """Return how many pots are of a period before the one among *periods* that is as long, and hold nothing."""
    query = f"SELECT count(*) FROM budget_pots WHERE {_IDLE}"
    found = [await database.read(query, len(period), period) for period in periods]
    return sum(rows[0][0] for rows in found)


def pruned(periods: Sequence[str]) -> list[Statement]:
    """Return the changes that let go of those pots, and of what was warned of in those periods."""
    tables = (f"DELETE FROM budget_pots WHERE {_IDLE}", f"DELETE FROM budget_warnings WHERE {_OVER}")
    return [Statement(table, (len(period), period)) for table in tables for period in periods]


def _pot(row: tuple[Any, ...]) -> Pot:
    return Pot(PotKey(*row[:4]), *row[4:])


def _holds(text: str) -> tuple[Hold, ...]:
    return tuple(Hold(PotKey(*one[:4]), one[4], one[5], tuple(one[6])) for one in orjson.loads(text))
