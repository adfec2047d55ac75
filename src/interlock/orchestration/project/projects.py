"""The project that is active now, and its atomic replacement when the files change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.foundation.clock import Clock
from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.http import HttpClient
from interlock.orchestration.project.loader import glance, load_project, project_files, version_of
from interlock.orchestration.project.project import Project
from interlock.values.secrets import Secret

Applied = Callable[[Project], Awaitable[None]]
Reported = Callable[[str, dict[str, Any]], Awaitable[None]]


class Load(Protocol):
    """How a folder becomes a project."""

    def __call__(self, root: Path, *, now: float, http: HttpClient) -> Project:
        """Return the project in *root*. Raises `ProjectInvalid`."""
        ...


@dataclass(frozen=True, slots=True)
class Rejected:
    """A changed project that was not taken: which version, when, and every finding."""

    version: str
    at: float
    findings: tuple[str, ...]


class Projects:
    """Holds the active project. A change is validated first, then swapped whole; a broken one changes nothing.

    *applied* is awaited with each new project before it becomes current, so that systems are ready for it;
    *reported* is awaited with `project.activated` or `project.rejected` and what the journal may know of it.
    """

    def __init__(self, root: Path, clock: Clock, http: HttpClient, load: Load = load_project) -> None:
        self.root = root
        self._http = http
        self._load = load
        self.clock = clock
        self.current: Project = load(root, now=clock.now(), http=http)
        self.rejected: Rejected | None = None
        self.applied: list[Applied] = []
        self.reported: Reported = _unreported
        self._seen = self.current.version

    async def reload(self) -> Project:
        """Take the files as they are now. Raises `ProjectInvalid`, with the old project still active."""
        try:
            project = await asyncio.to_thread(self._load, self.root, now=self.clock.now(), http=self._http)
        except ProjectInvalid as error:
            files = await asyncio.to_thread(project_files, self.root)
            await self._reject(version_of(files), error)
            raise
        self._seen = project.version
        if project.version != self.current.version:
            await self._swap(project)
        self.rejected = None
        return self.current

    async def watch(self, *, every: float = 1.0) -> None:
        """Reload whenever the files change, until cancelled."""
        looked = await asyncio.to_thread(glance, self.root)
        while True:
            await asyncio.sleep(every)
            try:
                look = await asyncio.to_thread(glance, self.root)
                if look == looked:
                    continue
                version = version_of(await asyncio.to_thread(project_files, self.root))
            except OSError:
                continue  # a file went away while it was looked at; the next look will do
            looked = look
            if version != self._seen:
                self._seen = version
                try:
                    await self.reload()
                except ProjectInvalid:
                    continue  # told through `rejected` and the journal; the old project stays active

    async def _swap(self, project: Project) -> None:
        for applied in self.applied:
            await applied(project)
        previous, self.current, self.rejected = self.current, project, None
        await self.reported("project.activated", {"version": project.version, "previous": previous.version})

    async def _reject(self, version: str, error: ProjectInvalid) -> None:
        findings = tuple(str(finding) for finding in error.findings)
        self.rejected = Rejected(version, self.clock.now(), findings)
        await self.reported("project.rejected", {"version": version, "findings": len(findings)})

    def status(self) -> dict[str, Any]:
        """Return the active version and, if the newest files were not taken, why."""
        status = self.current.to_json()
        if self.rejected is not None:
            rejected = self.rejected
            status["rejected"] = {
                "version": rejected.version,
                "at": rejected.at,
                "findings": list(rejected.findings),
            }
        return status


class ProjectSecrets:
    """The secrets of whichever project is active when one is asked for."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    def get(self, reference: str) -> Secret:
        """Return the secret behind `secret:NAME`. Raises as `SecretStore.get` does."""
        return self._projects.current.secrets.get(reference)


async def _unreported(kind: str, body: dict[str, Any]) -> None:
    """Nobody listens yet: the project is being loaded for a check, or before the journal is open."""
