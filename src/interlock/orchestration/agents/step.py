"""One step of a turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One proposal of the model and the view of the action that came of it."""

    operation: str
    arguments: Mapping[str, Any]
    action: Mapping[str, Any]

    def covered(self, words: str) -> Step:
        """Return the step with *words* for everything in it that an agent chose or a system returned."""
        action = dict(self.action)
        action |= {name: words for name in ("output", "problem", "execute") if name in action}
        if "input" in action:
            action["input"] = dict.fromkeys(action["input"], words)
        return Step(self.operation, dict.fromkeys(self.arguments, words), action)

    def to_json(self) -> dict[str, Any]:
        """Return the step as a JSON object."""
        return {"operation": self.operation, "arguments": dict(self.arguments), "action": dict(self.action)}
