"""How far a turn has come: everything that it takes to go on with it, in another process or on another day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.intelligence.gateway import ToolCall, Usage
from interlock.orchestration.agents.step import Step
from interlock.values.labels import Label, label_from_json


@dataclass(slots=True)
class Progress:
    """The state of a turn between two steps.

    *messages* is the turn as a conversation so far. *pending* are the calls of the model's last reply that have not
    been taken up. *proposals* counts what was proposed, so that each proposal has the same key whoever makes it.
    *awaited* is the tool call whose action waits. *idle* counts the steps since one last succeeded, *since* is the
    number of steps before a person last had a word in it. *label* is the joined label of all that the model has been
    shown, which is therefore that of whatever it says.
    """

    messages: list[dict[str, Any]] = field(default_factory=list, repr=False)
    steps: list[Step] = field(default_factory=list, repr=False)
    pending: list[ToolCall] = field(default_factory=list, repr=False)
    proposals: int = 0
    awaited: str = ""
    idle: int = 0
    since: int = 0
    usage: Usage = field(default_factory=Usage)
    provider: str = ""
    model: str = ""
    label: Label = field(default_factory=Label)

    @property
    def waits_for(self) -> str:
        """The id of the action that is waited for; empty where none is."""
        return str(self.steps[-1].action.get("id", "")) if self.awaited and self.steps else ""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        calls = [{"id": call.id, "name": call.name, "arguments": dict(call.arguments)} for call in self.pending]
        for call, written in zip(self.pending, calls, strict=True):
            if call.problem:
                written["problem"] = call.problem
        return {
            "messages": self.messages,
            "steps": [step.to_json() for step in self.steps],
            "pending": calls,
            "proposals": self.proposals,
            "awaited": self.awaited,
            "idle": self.idle,
            "since": self.since,
            "usage": self.usage.to_json(),
            "provider": self.provider,
            "model": self.model,
            "label": self.label.to_json(),
        }


def progress_from_json(document: Mapping[str, Any]) -> Progress:
    """Return the progress that `Progress.to_json` wrote."""
    stored = dict(document)
    stored["steps"] = [Step(**step) for step in stored["steps"]]
    stored["pending"] = [ToolCall(**call) for call in stored["pending"]]
    stored["usage"] = Usage(**stored["usage"])
    stored["label"] = label_from_json(stored["label"])
    return Progress(**stored)
