"""What came of one turn with an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from interlock.governance.labels import masked
from interlock.intelligence.gateway import Usage
from interlock.orchestration.agents.progress import Progress
from interlock.orchestration.agents.step import Step
from interlock.values.clearances import Clearance
from interlock.values.labels import Label


class Ended(StrEnum):
    """Why a turn ended."""

    answered = "answered"  # the model said something
    waiting = "waiting"  # an action waits for a person
    step_limit = "step_limit"
    time_limit = "time_limit"
    no_model = "no_model"  # no target of the route gave an answer
    budget = "budget"  # a budget did not allow the next call of the model
    no_answer = "no_answer"  # the model said nothing at all
    no_progress = "no_progress"  # nothing came of several steps one after the other
    handed_over = "handed_over"  # to the agent or person that is named
    abandoned = "abandoned"  # it could not be gone on with: its agent or its session is gone


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: words in, steps, answer out.

    *messages* is the turn as a conversation (without instructions), for the next turn's history. *left_out* is what
    a plan that was derived for the turn does not foresee, in a sentence each. *label* is the joined label of all that
    the model was shown: the answer, in whatever words, is no less confidential. *progress* is what it takes to go on
    with it, *id* its name where it is kept. *escalation* is what a person was asked where it could not go on,
    *handed_to* the agent that goes on with it. *greeting* is what is said before the first answer in a session.
    """

    session: str
    words: str
    answer: str
    ended: Ended
    steps: Sequence[Step] = ()
    provider: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    missing_context: Mapping[str, str] = field(default_factory=dict)
    messages: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    left_out: Sequence[str] = ()
    label: Label = Label()
    progress: Progress | None = field(default=None, repr=False)
    id: str = ""
    escalation: str = ""
    handed_to: str = ""
    greeting: str = ""

    def seen_by(self, clearance: Clearance) -> Turn:
        """Return the turn as the holder of *clearance* may see it: where the agent was shown more, what it said and
        was told is masked, and what it did stays.
        """
        if clearance.admits(self.label):
            return self
        words = masked(self.label)
        return replace(self, answer=words, steps=tuple(step.covered(words) for step in self.steps))

    def to_json(self) -> dict[str, Any]:
        """Return the turn as a JSON object; the messages are left out."""
        label = {"label": self.label.to_json()} if self.label.unusual else {}
        return {
            **label,
            **({"turn": self.id} if self.id else {}),
            "session": self.session,
            "words": self.words,
            **({"greeting": self.greeting} if self.greeting else {}),
            "steps": [step.to_json() for step in self.steps],
            "answer": self.answer,
            "ended": self.ended.value,
            **({"escalation": self.escalation} if self.escalation else {}),
            **({"handed_to": self.handed_to} if self.handed_to else {}),
            "model": {"provider": self.provider, "model": self.model, "usage": self.usage.to_json()},
            "missing_context": dict(self.missing_context),
            "left_out": list(self.left_out),
        }
