"""One piece of work that a trigger started, or has still to start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.foundation.clock.moments import rfc3339


class RunState(StrEnum):
    """Where it stands. What became of the agent's turn is the turn's own."""

    due = "due"
    starting = "starting"
    started = "started"
    failed = "failed"


@dataclass(slots=True)
class TriggerRun:
    """*cause* is the id of the event, or the moment that was due (RFC 3339): a trigger has one run for each.

    *next_try* is Unix time; *problem* the code of the error that kept it from starting.
    """

    id: str
    tenant: str
    trigger: str
    cause: str
    state: RunState
    created: float
    updated: float
    owner: str = ""
    session: str = ""
    turn: str = ""
    attempts: int = 0
    next_try: float = 0.0
    problem: str = ""
    revision: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return what a caller may know of it."""
        return {
            "id": self.id,
            "trigger": self.trigger,
            "cause": self.cause,
            "state": self.state.value,
            "session": self.session,
            "turn": self.turn,
            "attempts": self.attempts,
            "problem": self.problem,
            "created": rfc3339(self.created),
            "updated": rfc3339(self.updated),
        }
