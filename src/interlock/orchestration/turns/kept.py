"""A turn as it is kept: what it takes to go on with it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.foundation.clock import rfc3339
from interlock.governance.labels import masked
from interlock.orchestration.agents import Ended, Progress, Turn, progress_from_json
from interlock.values.clearances import Clearance
from interlock.values.labels import Label


class TurnState(StrEnum):
    """How a turn stands."""

    running = "running"
    waiting = "waiting"  # for the action that is named
    ended = "ended"


@dataclass(slots=True)
class KeptTurn:
    """One turn. *owner* is the process that runs it; *waits_for* the action it waits for.

    *answer* is the last that was said: of a turn that waits, that it does. *resumed* counts how often it was gone on
    with, *hand_offs* how often the request had been handed over before it.
    """

    id: str
    tenant: str
    session: str
    agent: str
    asker: str
    words: str = field(repr=False)
    progress: Progress = field(repr=False)
    state: TurnState = TurnState.running
    owner: str = ""
    waits_for: str = ""
    answer: str = field(default="", repr=False)
    ended: str = ""
    resumed: int = 0
    hand_offs: int = 0
    created: float = 0.0
    updated: float = 0.0
    revision: int = 0
    stored: bool = False
    """Whether there is a row of it; a turn that is answered at once is stored with its end."""

    @property
    def label(self) -> Label:
        """The joined label of all that the model was shown."""
        return self.progress.label

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The turn as a part of the session's conversation, once it waits or has ended."""
        return [*self.progress.messages, {"role": "assistant", "content": self.answer}]

    def take(self, turn: Turn) -> None:
        """Take over how *turn* ended."""
        if turn.progress is not None:
            self.progress = turn.progress
        self.answer, self.ended, self.owner = turn.answer, turn.ended.value, ""
        waits = turn.ended is Ended.waiting
        self.state = TurnState.waiting if waits else TurnState.ended
        self.waits_for = self.progress.waits_for if waits else ""

    def wait_for_person(self, escalation: str, role: str) -> None:
        """Let the turn wait for what a person of *role* answers to *escalation*."""
        self.state, self.waits_for = TurnState.waiting, escalation
        self.answer = f"{self.answer.rstrip()}\nSomebody else has been asked to help ({role}, {escalation})."

    def follow_up(self, turn_id: str, agent: str, now: float) -> KeptTurn:
        """Return the turn by which *agent* goes on with the same words."""
        return KeptTurn(
            id=turn_id,
            tenant=self.tenant,
            session=self.session,
            agent=agent,
            asker=self.asker,
            words=self.words,
            progress=Progress(),
            hand_offs=self.hand_offs + 1,
            created=now,
            updated=now,
        )

    def document(self) -> dict[str, Any]:
        """Return what is stored beside the columns."""
        return {
            "asker": self.asker,
            "words": self.words,
            "progress": self.progress.to_json(),
            "answer": self.answer,
            "ended": self.ended,
            "resumed": self.resumed,
            "hand_offs": self.hand_offs,
        }

    def to_json(self, clearance: Clearance) -> dict[str, Any]:
        """Return the turn as the holder of *clearance* sees it."""
        progress = self.progress
        steps, answer = progress.steps, self.answer
        if not clearance.admits(progress.label):
            hidden = masked(progress.label)
            steps, answer = [step.covered(hidden) for step in steps], hidden
        return {
            "id": self.id,
            "session": self.session,
            "agent": self.agent,
            "asker": self.asker,
            "state": self.state.value,
            "words": self.words,
            "steps": [step.to_json() for step in steps],
            "answer": answer,
            "ended": self.ended or None,
            "waits_for": self.waits_for or None,
            "resumed": self.resumed,
            "model": {"provider": progress.provider, "model": progress.model, "usage": progress.usage.to_json()},
            "label": progress.label.to_json(),
            "created_at": rfc3339(self.created),
            "updated_at": rfc3339(self.updated),
        }


def kept_from_document(document: Mapping[str, Any], **columns: Any) -> KeptTurn:
    """Return the turn of a stored document and its columns."""
    stored = dict(document)
    stored["progress"] = progress_from_json(stored["progress"])
    return KeptTurn(**stored, **columns, stored=True)
