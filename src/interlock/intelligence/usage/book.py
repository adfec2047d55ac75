"""Reading usage: tokens and cost, grouped, between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from interlock.foundation.store import Database, Writes
from interlock.governance.budgets import money_text
from interlock.intelligence.usage import store
from interlock.intelligence.usage.errors import UsageQueryInvalid

FOREVER = 1e12
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What is asked: grouped by some of `GROUPS`, of one tenant (empty: all), from *since* until before *until*."""

    by: Sequence[str] = ()
    tenant: str = ""
    since: float = 0.0
    until: float = FOREVER


class UsageBook:
    """What model calls took and cost, as it was recorded with them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Make the table where it is missing."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)

    async def older(self, before: float) -> int:
        """Return how many calls were before *before* (Unix seconds)."""
        return sum(count for _, _, count in await store.oldest(self._database, before))

    async def prune(self, before: float) -> None:
        """Let go of the calls before *before*, of one tenant and one day at a time, so that nobody waits long."""
        for tenant, first, _ in await store.oldest(self._database, before):
            for day in range(1, 1 + ceil((before - first) / DAY)):
                await self._database.commit([Writes([store.pruned(tenant, min(first + day * DAY, before))])])

    async def report(self, query: UsageQuery) -> list[dict[str, Any]]:
        """Return one object for each group. Raises `UsageQueryInvalid`.

        `cost` is the sum of the known costs, `unpriced_calls` how many have none, `unmetered_calls` how many stand at
        their reservation because the provider did not say what they took.
        """
        unknown = sorted(set(query.by) - set(store.GROUPS))
        if unknown or len(set(query.by)) != len(query.by):
            raise UsageQueryInvalid(
                f"usage is not counted by {', '.join(unknown)}" if unknown else "a group is named twice",
                fix=f"name some of {', '.join(store.GROUPS)}, each once",
            )
        if query.since >= query.until:
            raise UsageQueryInvalid("`since` is not before `until`", fix="give a moment that is earlier")
        rows = await store.summed(self._database, query.by, tenant=query.tenant, since=query.since, until=query.until)
        return [_group(query.by, row) for row in rows]


def _group(by: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    named = dict(zip(by, row, strict=False))
    currency, calls, entered, answered, cached, reasoning, cost, unpriced, unmetered = row[len(by) :]
    return {
        **named,
        "calls": calls,
        "input_tokens": entered,
        "output_tokens": answered,
        "cached_tokens": cached,
        "reasoning_tokens": reasoning,
        "cost": None if unpriced == calls and calls else money_text(cost),
        "currency": currency,
        "unpriced_calls": unpriced,
        "unmetered_calls": unmetered,
    }
