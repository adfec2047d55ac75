"""A project as it is, on a stage: its systems are simulated, its storage is elsewhere, and nothing of it sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from interlock.assessment.attacks.simulation import SimulatedPlugin
from interlock.context.facts import FactPlan
from interlock.foundation.documents import ProjectInvalid, unset
from interlock.foundation.http import HttpClient
from interlock.foundation.settings.project import STORAGE, TelemetrySettings
from interlock.integration.systems import Catalog, SystemDeclaration, SystemLimits
from interlock.orchestration.project import Project, load_project
from interlock.orchestration.project.loader import project_files

_LIMITS = SystemLimits(concurrency=256, queue=100_000, timeout=60.0, retries=0, failures=1_000_000)
"""A simulated system is never busy and never down."""
_PLACEHOLDERS = (
    "https://placeholder.invalid",
    "sqlite:///placeholder.db",
    "postgresql://placeholder@placeholder.invalid/placeholder",
    "placeholder",
    "1",
    "placeholder@placeholder.invalid",
)


@dataclass(slots=True)
class Stage:
    """Loads a project for the stage. *environment* lacks what it lacks; *placeholders* are what stood in for that."""

    environment: Mapping[str, str]
    placeholders: dict[str, str] = field(default_factory=dict)

    def load(self, root: Path, *, now: float = 0.0, http: HttpClient | None = None) -> Project:
        """Return the project with policies, facts, labels and agents as they are. Raises `ProjectInvalid`."""
        self._complete(root)
        return staged(load_project(root, now=now, http=http, environment=self.filled))

    @property
    def filled(self) -> dict[str, str]:
        """The environment with a placeholder for everything that files use and it does not have."""
        return {**self.environment, **self.placeholders}

    def _complete(self, root: Path) -> None:
        """Choose the placeholders with which the fewest problems are left: what a variable is for, no file says."""
        files = (root / name for name in project_files(root) if name.endswith((".yaml", ".yml")))
        texts = (path.read_text("utf-8", "replace") for path in files)
        missing = sorted({name for text in texts for name in unset(text, self.environment)} - self.placeholders.keys())
        for name in missing:
            self.placeholders[name] = _PLACEHOLDERS[0]
        for name in missing:
            tried = {placeholder: self._problems(root, name, placeholder) for placeholder in _PLACEHOLDERS}
            self.placeholders[name] = min(tried, key=lambda placeholder: tried[placeholder])

    def _problems(self, root: Path, name: str, placeholder: str) -> int:
        try:
            load_project(root, environment={**self.filled, name: placeholder})
        except ProjectInvalid as error:
            return len(error.findings)
        return 0


def staged(project: Project) -> Project:
    """Return *project* with simulated systems, the usual storage, and no telemetry that leaves the machine."""
    catalog = project.catalog
    return replace(
        project,
        settings=replace(project.settings, storage_url=STORAGE, telemetry=TelemetrySettings()),
        catalog=Catalog(
            {name: replace(compiled, external=False) for name, compiled in catalog.operations.items()},
            {name: _undisturbed(system) for name, system in catalog.systems.items()},
            dict.fromkeys((system.connector for system in catalog.systems.values()), SimulatedPlugin()),
        ),
        facts={name: _unkept(plan) for name, plan in project.facts.items()},
    )


def _undisturbed(system: SystemDeclaration) -> SystemDeclaration:
    return replace(system, limits=_LIMITS)


def _unkept(plan: FactPlan) -> FactPlan:
    """Return *plan* without a cache: every scene has records of its own."""
    stages = (
        tuple(replace(compiled, fact=replace(compiled.fact, max_age=0.0)) for compiled in stage)
        for stage in plan.stages
    )
    return replace(plan, stages=tuple(stages))
