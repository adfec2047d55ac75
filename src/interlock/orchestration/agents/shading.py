"""What of a turn a model may be shown that is cleared for less than the turn holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.governance.labels import Mask, masked
from interlock.orchestration.agents.prompt import result_text
from interlock.values.clearances import Clearance
from interlock.values.labels import Label, label_from_json
from interlock.values.operations import Operation


@dataclass(frozen=True, slots=True)
class _Result:
    operation: Operation
    view: Mapping[str, Any]
    limit: int
    label: Label

    def shown(self, clearance: Clearance) -> tuple[str, Label]:
        """Return it as a holder of *clearance* may see it, with the label that it then has."""
        mask = Mask(self.operation, clearance)
        view = {**self.view, "output": mask.apply(self.view.get("output"))}
        if view.get("problem") is not None:
            view["problem"] = masked(self.label)  # in the system's own words, of which no field is known
        return result_text(self.operation, view, self.limit), mask.label


class Shading:
    """The results of one turn, field by field, by the calls that they answer."""

    def __init__(self) -> None:
        self._results: dict[str, _Result] = {}

    def took(self, call: str, operation: Operation | None, view: Mapping[str, Any], limit: int) -> None:
        """Take note of what came of a *call*."""
        if operation is not None and "label" in view:
            self._results[call] = _Result(operation, view, limit, label_from_json(view["label"]))

    def shown(
        self, messages: Sequence[Mapping[str, Any]], before: Label, clearance: Clearance
    ) -> tuple[list[Mapping[str, Any]], Label] | None:
        """Return *messages* as a model of *clearance* may see them, with their joined label.

        *before* is the label of what was known ahead of them; None where not even that may be seen. Of a result the
        fields that are above the clearance are masked. What a model said after it had seen more is masked as a whole,
        and so are the arguments of its calls.
        """
        if not clearance.admits(before):
            return None
        seen = label = before
        shown: list[Mapping[str, Any]] = []
        for message in messages:
            result = self._results.get(str(message.get("tool_call_id", "")))
            if result is not None:
                seen = seen.join(result.label)
                text, now = message["content"], result.label
                if not clearance.admits(now):
                    text, now = result.shown(clearance)
                label = label.join(now)
                shown.append({**message, "content": text})
            elif message["role"] == "assistant" and not clearance.admits(seen):
                shown.append(_hushed(message, seen))
            else:
                shown.append(message)
        return shown, label


def _hushed(message: Mapping[str, Any], label: Label) -> dict[str, Any]:
    calls = [{**call, "function": {**call["function"], "arguments": "{}"}} for call in message.get("tool_calls") or ()]
    words = masked(label) if message.get("content") else message.get("content")
    return {**message, "content": words, **({"tool_calls": calls} if calls else {})}
