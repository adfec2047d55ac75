"""What stands where right now, for the metrics: counted every few seconds, never on the path of a call."""

from __future__ import annotations

import asyncio

from interlock.foundation.clock import Clock
from interlock.foundation.store import Database, StoreError
from interlock.foundation.telemetry import Metrics
from interlock.integration.systems import Systems
from interlock.orchestration.actions.store import doubtful
from interlock.orchestration.approvals.store import waiting
from interlock.orchestration.escalations.store import standing as escalated
from interlock.orchestration.sessions.store import opened

_BREAKER = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


class Gauges:
    """Sets the gauges of one process."""

    def __init__(self, database: Database, systems: Systems, metrics: Metrics, clock: Clock) -> None:
        self._database = database
        self._systems = systems
        self._metrics = metrics
        self._clock = clock

    async def run(self, *, every: float = 5.0) -> None:
        """Count until cancelled; while the database cannot be asked, the gauges stand still."""
        while True:
            try:
                await self.measure()
            except StoreError:
                self._metrics.count("interlock_store_failures_total")
            await asyncio.sleep(every)

    async def measure(self) -> None:
        """Count once."""
        metrics = self._metrics
        metrics.set("interlock_approvals_waiting", await waiting(self._database))
        standing, oldest = await escalated(self._database)
        metrics.set("interlock_escalations_waiting", standing)
        metrics.set("interlock_escalations_oldest", max(self._clock.now() - oldest, 0.0) if standing else 0.0)
        metrics.set("interlock_in_doubt", await doubtful(self._database))
        metrics.set("interlock_sessions_open", await opened(self._database, self._clock.now()))
        for system in self._systems.health():
            name = str(system["system"])
            metrics.set("interlock_breaker_state", _BREAKER.get(str(system.get("breaker")), 0.0), name)
            metrics.set("interlock_system_held", float(system.get("held", 0)), name)
