"""Which place a proposed use takes in the plan of its session; those that are held stand in the table of actions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from interlock.foundation.store import Database
from interlock.orchestration.actions import store
from interlock.orchestration.agents import Planning
from interlock.orchestration.project import Project
from interlock.orchestration.sessions import Session
from interlock.orchestration.sessions.plan import OUTSIDE, place_of
from interlock.values.operations import Operation
from interlock.values.principals import Kind, Principal


class Places:
    """Finds places. Nothing is kept here: a place is taken when the action that holds it is stored, and not before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = count()

    async def find(
        self,
        project: Project,
        session: Session,
        principal: Principal,
        operation: Operation,
        arguments: Mapping[str, Any],
    ) -> str | None:
        """Return a place that is free now; `OUTSIDE` where the plan foresees no such use, None where none is needed."""
        if session.plan is None:
            return OUTSIDE if operation.consequential and _needs_plan(project, principal) else None
        counts = any(step.times for step in session.plan)
        taken = await store.places(self._database, session.id) if counts else frozenset[str]()
        return place_of(session.plan, taken, operation.id, arguments, turn=next(self._turns))


def _needs_plan(project: Project, principal: Principal) -> bool:
    spec = project.agents.get(principal.id) if principal.kind is Kind.agent else None
    return spec is not None and spec.planning is Planning.required
