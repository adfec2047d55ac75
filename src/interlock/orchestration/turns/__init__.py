"""Turns: a person's words given to one of the project's agents, in a session, and what came of it."""

from __future__ import annotations

from interlock.orchestration.turns.errors import AgentUnknown, TurnUnknown
from interlock.orchestration.turns.keeping import Keeping
from interlock.orchestration.turns.kept import KeptTurn, TurnState
from interlock.orchestration.turns.resuming import Resuming
from interlock.orchestration.turns.turns import Turns

__all__ = ["AgentUnknown", "Keeping", "KeptTurn", "Resuming", "TurnState", "TurnUnknown", "Turns"]
