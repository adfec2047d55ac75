"""A compiled project: everything a request needs to know of the files, frozen together under one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.context.facts import FactPlan
from interlock.foundation.secrets import SecretStore
from interlock.foundation.settings.project import ProjectSettings
from interlock.governance.budgets import BudgetPlan
from interlock.governance.credentials import Directory
from interlock.governance.labels import NO_BOOK, AddressBook, Mask, Masks
from interlock.governance.limits import LoopGuard
from interlock.governance.policy import Policies
from interlock.integration.facades import Facade
from interlock.integration.systems import Catalog
from interlock.intelligence.gateway import Route
from interlock.intelligence.usage import Prices
from interlock.orchestration.agents import AgentSpec, TeamSpec
from interlock.orchestration.jobs import JobBook
from interlock.orchestration.project.plans import CallPlan, ReadBackPlan
from interlock.orchestration.triggers import TriggerSpec
from interlock.values.clearances import Clearance
from interlock.values.decisions import Mode
from interlock.values.principals import Kind, Principal


@dataclass(frozen=True, slots=True)
class Project:
    """One version of the project. *version* is a digest of all files; *files* maps each file to its own."""

    root: Path
    version: str
    active_since: float
    files: Mapping[str, str]
    settings: ProjectSettings
    catalog: Catalog
    policies: Policies
    agents: Mapping[str, AgentSpec]
    teams: Mapping[str, TeamSpec]
    triggers: Mapping[str, TriggerSpec]
    facades: Mapping[str, Facade]
    jobs: JobBook
    facts: Mapping[str, FactPlan]
    undos: Mapping[str, CallPlan]
    read_backs: Mapping[str, ReadBackPlan]
    secrets: SecretStore
    directory: Directory
    routes: Mapping[str, Route]
    prices: Prices = field(default_factory=Prices)
    budgets: BudgetPlan = field(default_factory=BudgetPlan)
    book: AddressBook = NO_BOOK
    _masks: Masks = field(default_factory=Masks, repr=False, compare=False)
    _loops: dict[str, LoopGuard] = field(default_factory=dict, repr=False, compare=False)

    def clearance_of(self, principal: Principal) -> Clearance:
        """Return how far *principal* is let: what its roles add up to, for an agent no further than its file says."""
        clearance = self.settings.clearances.of(principal.roles)
        spec = self.agents.get(principal.id) if principal.kind is Kind.agent else None
        return clearance if spec is None or spec.clearance is None else clearance.met(spec.clearance)

    def mask(self, operation: str, clearance: Clearance) -> Mask | None:
        """Return what hides *operation*'s outputs from the holder of *clearance*; None for one that is gone."""
        compiled = self.catalog.operations.get(operation)
        return self._masks.of(compiled.operation, clearance) if compiled is not None else None

    def agent_mode(self, agent: str) -> Mode:
        """Return the mode of *agent*; automatic for one that the project does not name."""
        spec = self.agents.get(agent)
        return spec.mode if spec else Mode.automatic

    def loop_guard(self, agent: str) -> LoopGuard:
        """Return the limits of one session: the stricter of the agent's own and the installation's."""
        spec = self.agents.get(agent)
        name = agent if spec is not None else ""
        guard = self._loops.get(name)
        if guard is None:
            limits = self.settings.limits
            guard = LoopGuard(actions=limits.actions_per_session, repeats=limits.repeats)
            if spec is not None:
                guard = guard.stricter(LoopGuard(actions=spec.limits.actions_per_session, repeats=spec.limits.repeats))
            self._loops[name] = guard
        return guard

    def to_json(self) -> dict[str, Any]:
        """Return what an operator sees of the version that is active."""
        return {
            "name": self.settings.name,
            "version": self.version,
            "active_since": self.active_since,
            "policy_version": self.policies.version,
            "systems": sorted(self.catalog.systems),
            "operations": len(self.catalog.operations),
            "agents": sorted(self.agents),
            "teams": sorted(self.teams),
            "triggers": sorted(self.triggers),
            "jobs": sorted(self.jobs.jobs),
            "files": dict(self.files),
        }
