"""Getting models ready at the start, and when the project changes, beside everything else."""

from __future__ import annotations

import asyncio

from interlock.intelligence.gateway import warm
from interlock.orchestration.project import Project, Projects


class Warming:
    """Warms up the models of the active project. Nothing waits for it, and nothing that it meets stops the server."""

    def __init__(self, projects: Projects) -> None:
        self._project = projects.current
        self._changed = asyncio.Event()
        self._done: set[object] = set()
        projects.applied.append(self._apply)

    async def run(self) -> None:
        """Warm up until cancelled."""
        while True:
            await self.once()
            await self._changed.wait()

    async def once(self) -> None:
        """Warm up what has not been."""
        self._changed.clear()
        await warm(self._project.routes, self._done)

    async def _apply(self, project: Project) -> None:
        self._project = project
        self._changed.set()
