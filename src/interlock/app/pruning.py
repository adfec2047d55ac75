"""Letting go of what is older than the project keeps: rows of model calls, counters of past budgets, and events."""

from __future__ import annotations

import asyncio
import logging

from interlock.experience.installation import Installation
from interlock.foundation.clock.moments import rfc3339
from interlock.foundation.store import Database
from interlock.governance.journal import Entry, Journal
from interlock.values.errors import InterlockError

log = logging.getLogger("interlock.pruning")

EVERY = 6 * 3600.0
CLAIM = "pruning"


class Pruning:
    """Prunes the tables of usage, budgets and events, by one process at a time. The journal is kept whole."""

    def __init__(self, database: Database, journal: Journal, installation: Installation) -> None:
        self._database = database
        self._journal = journal
        self._ledger = installation.ledger
        self._usage = installation.usage
        self._inbox = installation.inbox
        self._launcher = installation.launcher
        self._projects = installation.projects
        self._clock = installation.clock

    async def run(self, *, every: float = EVERY) -> None:
        """Prune until cancelled. A round that fails is logged and tried again."""
        while True:
            try:
                await self.once()
            except InterlockError as error:
                log.warning("pruning failed: %s", error.code)
            await asyncio.sleep(every)

    async def once(self) -> int:
        """Prune, and return how many rows are gone; that they go is on record before they do."""
        if not await self._database.claim(CLAIM):
            return 0
        try:
            return await self._counted() + await self._came()
        finally:
            await self._database.release(CLAIM)

    async def _counted(self) -> int:
        settings = self._projects.current.settings
        before = self._clock.now() - settings.keep_usage
        calls, counters = await self._usage.older(before), await self._ledger.older(before)
        if not calls and not counters:
            return 0
        body = {"before": rfc3339(before), "calls": calls, "counters": counters}
        entry = Entry("usage.pruned", settings.tenants[0], "usage", actor="service:interlock", body=body)
        await self._journal.record([entry], changes=self._ledger.pruned(before))
        await self._usage.prune(before)
        return calls + counters

    async def _came(self) -> int:
        settings = self._projects.current.settings
        before = self._clock.now() - settings.keep_events
        events, runs = await self._inbox.older(before), await self._launcher.older(before)
        if not events and not runs:
            return 0
        body = {"before": rfc3339(before), "events": events, "runs": runs}
        entry = Entry("events.pruned", settings.tenants[0], "events", actor="service:interlock", body=body)
        await self._journal.record([entry], changes=[*self._inbox.pruned(before), *self._launcher.pruned(before)])
        return events + runs
