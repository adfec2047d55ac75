"""The table of model calls: rows are only ever added, with the record of the call, and summed when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.foundation.store import Append, Database, Row, Statement

CAPABILITY = "usage"

STEPS = (
    """
    CREATE TABLE model_calls (
        at double precision NOT NULL, tenant {text} NOT NULL, caller {text} NOT NULL, agent {text} NOT NULL,
        route {text} NOT NULL, use_case {text} NOT NULL, provider {text} NOT NULL, model {text} NOT NULL,
        session {text} NOT NULL, input_tokens {bigint} NOT NULL, output_tokens {bigint} NOT NULL,
        cached_tokens {bigint} NOT NULL, reasoning_tokens {bigint} NOT NULL,
        cost {bigint}, currency {text} NOT NULL, metered {bigint} NOT NULL
    );
    CREATE INDEX model_calls_tenant ON model_calls (tenant, at);
    """,
)

_CALLED = (
    "INSERT INTO model_calls (at, tenant, caller, agent, route, use_case, provider, model, session, input_tokens, "
    "output_tokens, cached_tokens, reasoning_tokens, cost, currency, metered) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
GROUPS = ("tenant", "caller", "agent", "route", "use_case", "provider", "model")
"""What usage can be grouped by."""

_SUMS = (
    "count(*), CAST(coalesce(sum(input_tokens), 0) AS {bigint}), CAST(coalesce(sum(output_tokens), 0) AS {bigint}), "
    "CAST(coalesce(sum(cached_tokens), 0) AS {bigint}), CAST(coalesce(sum(reasoning_tokens), 0) AS {bigint}), "
    "CAST(coalesce(sum(cost), 0) AS {bigint}), count(*) - count(cost), CAST(coalesce(sum(1 - metered), 0) AS {bigint})"
)


@dataclass(frozen=True, slots=True)
class CallRow:
    """One answered call. *cost* is None where nobody knows it; *metered* says that the provider reported the tokens."""

    at: float
    tenant: str
    caller: str
    agent: str
    route: str
    use_case: str
    provider: str
    model: str
    session: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: int | None
    currency: str
    metered: int


def called(row: CallRow) -> Append:
    """Return the addition of one call."""
    return Append(_CALLED, [tuple(getattr(row, name) for name in CallRow.__slots__)])


async def oldest(database: Database, before: float) -> list[tuple[str, float, int]]:
    """Return for each tenant with calls before *before* its name, when the first of them was, and how many they are."""
    query = "SELECT tenant, min(at), count(*) FROM model_calls WHERE at < ? GROUP BY tenant ORDER BY tenant"
    return [(row[0], row[1], row[2]) async for rows in database.scan(query, before) for row in rows]


def pruned(tenant: str, before: float) -> Statement:
    """Return the change that lets go of a tenant's calls before *before*."""
    return Statement("DELETE FROM model_calls WHERE tenant = ? AND at < ?", (tenant, before))


async def summed(database: Database, by: Sequence[str], *, tenant: str, since: float, until: float) -> list[Row]:
    """Return a row for each combination of *by* and currency: these, then calls and sums as `_SUMS` lists them."""
    assert set(by) <= set(GROUPS)
    columns = ", ".join((*by, "currency"))
    sums = _SUMS.replace("{bigint}", "INTEGER" if database.dialect == "sqlite" else "BIGINT")
    where = "at >= ? AND at < ?" + (" AND tenant = ?" if tenant else "")
    query = f"SELECT {columns}, {sums} FROM model_calls WHERE {where} GROUP BY {columns} ORDER BY {columns}"
    params = (since, until, tenant) if tenant else (since, until)
    return [row async for rows in database.scan(query, *params) for row in rows]
