"""Watching whether live systems still offer what the project has pinned."""

from __future__ import annotations

import asyncio

from interlock.integration.contracts import Difference, Pins
from interlock.integration.systems import Systems, SystemUnknown, SystemUnreachable

EVERY = 300.0


class DriftWatch:
    """Compares each system's live definitions with the pinned ones, at the start and every few minutes."""

    def __init__(self, systems: Systems, pins: Pins) -> None:
        self._systems = systems
        self._pins = pins

    async def run(self, *, every: float = EVERY) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def look(self) -> None:
        """Look once. A system that cannot be asked keeps the judgement it had."""
        for system in sorted(self._systems.catalog.systems):
            try:
                found = await self._systems.drift(system)
            except (SystemUnreachable, SystemUnknown):
                continue
            by_operation: dict[str, list[Difference]] = {}
            for difference in found:
                operation = difference.pointer.split("/")[1]
                by_operation.setdefault(f"{system}.{operation}", []).append(difference)
            await self._pins.observe(system, by_operation)
