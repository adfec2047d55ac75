"""One run of a team: which turns its members were given, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.foundation.clock import rfc3339


class TeamState(StrEnum):
    """How a run stands."""

    running = "running"
    waiting = "waiting"  # a member's turn waits
    ended = "ended"


@dataclass(slots=True)
class TeamRun:
    """One run. *turns* are the members' turns in order, each `(turn, agent, words)`, named before they are begun."""

    id: str
    tenant: str
    session: str
    team: str
    asker: str
    words: str = field(repr=False)
    turns: list[tuple[str, str, str]] = field(default_factory=list, repr=False)
    state: TeamState = TeamState.running
    owner: str = ""
    answer: str = field(default="", repr=False)
    ended: str = ""
    created: float = 0.0
    updated: float = 0.0
    revision: int = 0

    def document(self) -> dict[str, Any]:
        """Return what is stored beside the columns."""
        return {
            "asker": self.asker,
            "words": self.words,
            "turns": [list(turn) for turn in self.turns],
            "answer": self.answer,
            "ended": self.ended,
        }

    def to_json(self, *, hidden: str = "") -> dict[str, Any]:
        """Return the run as its caller sees it; *hidden* stands for the answer to who is not cleared for it."""
        return {
            "id": self.id,
            "team": self.team,
            "session": self.session,
            "asker": self.asker,
            "state": self.state.value,
            "words": self.words,
            "answer": hidden if hidden and self.answer else self.answer,
            "ended": self.ended or None,
            "turns": [{"turn": turn, "agent": agent} for turn, agent, _ in self.turns],
            "created_at": rfc3339(self.created),
            "updated_at": rfc3339(self.updated),
        }


def run_from_document(document: Mapping[str, Any], **columns: Any) -> TeamRun:
    """Return the run of a stored document and its columns."""
    stored = dict(document)
    stored["turns"] = [(turn, agent, words) for turn, agent, words in stored["turns"]]
    return TeamRun(**stored, **columns)
