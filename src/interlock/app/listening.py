"""Listening to the systems that hold events for us, beside everything else, for as long as the project says so."""

from __future__ import annotations

import asyncio
import logging

from interlock.experience.installation import Installation
from interlock.integration.events import EventDiffers
from interlock.integration.systems import Arrival, Listener
from interlock.orchestration.project import Project, ProjectSecrets
from interlock.values.errors import InterlockError

log = logging.getLogger("interlock.listening")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds until a system that could not be listened to is tried again; twice as long each time."""
STEADY = 60.0
"""Seconds after which a connection counts as having worked."""
Ear = tuple[str, str, str]
"""A system, the mark of its declaration, a subscription."""


class Listening:
    """One task for each subscription. What one meets, the others do not."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._tasks: dict[Ear, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        installation.projects.applied.append(self._apply)

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                self._changed.clear()
                await self.follow()
                await self._changed.wait()
        finally:
            await self._stop(list(self._tasks))

    async def follow(self) -> None:
        """Begin and end listening as the active project says; what did not change is kept as it is."""
        wanted = self._wanted()
        await self._stop([ear for ear in self._tasks if ear not in wanted])
        for ear, plugin in wanted.items():
            if ear not in self._tasks:
                self._tasks[ear] = asyncio.create_task(self._keep(plugin, ear[0], ear[2]), name=f"listen {ear[0]}")

    def _wanted(self) -> dict[Ear, Listener]:
        catalog, found = self._installation.projects.current.catalog, dict[Ear, Listener]()
        for name, system in catalog.systems.items():
            plugin: object = catalog.plugins[system.connector]
            if isinstance(plugin, Listener):
                found |= {(name, catalog.marks[name], one): plugin for one in plugin.subscriptions(system)}
        return found

    async def _stop(self, ears: list[Ear]) -> None:
        tasks = [self._tasks.pop(ear) for ear in ears]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, plugin: Listener, name: str, subscription: str) -> None:
        projects, clock = self._installation.projects, self._installation.clock
        intake, secrets, pause = _Intake(self._installation, name), ProjectSecrets(projects), SHORTEST_PAUSE
        while True:
            began = clock.monotonic()
            try:
                system = projects.current.catalog.systems[name]
                await plugin.listen(system, subscription, secrets, projects.root, intake)
            except (InterlockError, OSError) as error:
                code = error.code if isinstance(error, InterlockError) else "unreachable"
                log.warning("listening to %s (%s) broke off and will be tried again: %s", name, subscription, code)
                intake.count(code)
            pause = SHORTEST_PAUSE if clock.monotonic() - began > STEADY else min(LONGEST_PAUSE, 2 * pause)
            await asyncio.sleep(pause)

    async def _apply(self, project: Project) -> None:  # noqa: ARG002 - the one in force is asked for
        self._changed.set()


class _Intake:
    """Puts what one system has into the inbox."""

    def __init__(self, installation: Installation, system: str) -> None:
        self._installation = installation
        self._system = system

    async def take(self, arrival: Arrival) -> InterlockError | None:
        try:
            _, fresh = await self._installation.inbox.take(self._system, arrival, tenant=self._tenant)
        except EventDiffers as error:
            return error
        self.count("taken" if fresh else "repeated")
        return None

    async def set_aside(self, place: str, digest: str, why: InterlockError) -> None:
        await self._installation.inbox.set_aside(self._system, place, digest, why, tenant=self._tenant)
        log.warning("a message of %s was set aside: %s", self._system, why.code)
        self.count(why.code)

    def count(self, outcome: str) -> None:
        """Count by system and outcome."""
        self._installation.telemetry.metrics.count("interlock_events_total", self._system, outcome)

    @property
    def _tenant(self) -> str:
        return self._installation.projects.current.settings.tenants[0]
