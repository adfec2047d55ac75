"""Built-in agents: their files, and the loop from a person's words over a model to governed actions and an answer."""

from __future__ import annotations

from interlock.orchestration.agents.handing import PERSON, SYSTEM
from interlock.orchestration.agents.patterns import Due, Outcome, Said
from interlock.orchestration.agents.progress import Progress, progress_from_json
from interlock.orchestration.agents.runner import Actions, AgentRunner, Asked, Models, advised, told
from interlock.orchestration.agents.shading import Shading
from interlock.orchestration.agents.spec import AgentLimits, AgentSpec, Planning, agent_from_document, permitted_for
from interlock.orchestration.agents.step import Step
from interlock.orchestration.agents.team import TeamSpec, team_from_document
from interlock.orchestration.agents.turn import Ended, Turn

__all__ = [
    "PERSON",
    "SYSTEM",
    "Actions",
    "AgentLimits",
    "AgentRunner",
    "AgentSpec",
    "Asked",
    "Due",
    "Ended",
    "Models",
    "Outcome",
    "Planning",
    "Progress",
    "Said",
    "Shading",
    "Step",
    "TeamSpec",
    "Turn",
    "advised",
    "agent_from_document",
    "permitted_for",
    "progress_from_json",
    "team_from_document",
    "told",
]
