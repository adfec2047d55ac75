"""Erasing personal data from the journal without breaking its chain."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from interlock.foundation.store import Database, Statement
from interlock.governance.journal import store
from interlock.governance.journal.entry import Entry
from interlock.governance.journal.walk import ERASED, written
from interlock.governance.journal.writer import Journal


async def erase(
    journal: Journal,
    database: Database,
    *,
    subject: str,
    tenant: str,
    actor: str,
    names: Collection[str] | None = None,
    reason: str = "",
) -> int:
    """Remove value and salt of the fields *names* (None: all) from every record about *subject*; return how many.

    The digests stay in the chain, which still verifies, and no longer tell the value. The erasure itself is
    recorded by *actor*, with *reason* as a field of its own. Raises `Conflict` if somebody erases there at the
    same time. On SQLite the bytes are overwritten at once; on PostgreSQL they are gone after the next vacuum.
    """
    erased: list[list[Any]] = []
    guards: list[Statement] = []
    for chain, seq, payload in await store.payloads_of(database, tenant, subject):
        values = orjson.loads(payload)
        chosen = sorted(name for name, kept in values.items() if kept is not None and (names is None or name in names))
        if chosen:
            kept = {name: None if name in chosen else pair for name, pair in values.items()}
            guards.append(store.payload_replaced(chain, seq, old=payload, new=written(kept)))
            erased.append([chain, seq, chosen])
    if not erased:
        return 0
    entry = Entry(
        ERASED, tenant, subject, actor=actor, body={"erased": erased}, fields={"reason": reason} if reason else {}
    )
    await journal.record([entry], guards=guards)
    await store.tidied(database)
    return sum(len(chosen) for _, _, chosen in erased)
