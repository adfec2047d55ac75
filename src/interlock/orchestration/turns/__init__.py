"""Turns: a person's words given to one of the project's agents, in a session, and what came of it."""

from interlock.orchestration.turns.errors import AgentUnknown
from interlock.orchestration.turns.turns import Turns

__all__ = ["AgentUnknown", "Turns"]
