"""What of a turn a model may be shown that is cleared for less than the turn holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.governance.labels import Mask, masked
from interlock.intelligence.gateway import ModelRequest
from interlock.values.clearances import Clearance
from interlock.values.labels import Label, label_from_json
from interlock.values.operations import Operation

Tell = Callable[[Mask, str], str]
"""Tells of an action with its output behind a mask, and with words in place of a problem that it has.

A problem is in a system's own words, of which no field is known.
"""


@dataclass(frozen=True, slots=True)
class _Result:
    operation: Operation
    label: Label
    tell: Tell

    def shown(self, clearance: Clearance) -> tuple[str, Label]:
        """Return it as a holder of *clearance* may see it, with the label that it then has."""
        mask = Mask(self.operation, clearance)
        return self.tell(mask, masked(self.label)), mask.label


class Shading:
    """The results of one turn, field by field, by the text in which a model is told of them.

    The ids of calls do not tell them apart: a model may give the same one twice.
    """

    def __init__(self) -> None:
        self._results: dict[str, _Result] = {}
        self._before = Label()
        self._start = 0

    def begin(self, start: int, before: Label) -> None:
        """Take note that the first *start* messages, of the joined label *before*, can only be shown as they are."""
        self._start, self._before = start, before

    def took(self, text: str, operation: Operation, label: Label, tell: Tell) -> None:
        """Take note of what *text* tells of: a result of *operation* and *label*."""
        self._results[text] = _Result(operation, label, tell)

    def lowered(self, request: ModelRequest, clearance: Clearance) -> ModelRequest | None:
        """Return *request* as a model of *clearance* may see it, labelled by what is left.

        Of a result the fields that are above the clearance are masked. What a model said after it had seen more is
        masked as a whole, and so are the arguments of its calls. None where not even the beginning may be seen, and
        where the request is labelled by more than its results: nobody knows in which of its words that is.
        """
        if not clearance.admits(self._before):
            return None
        shown, label, seen = self._shown(request.messages[self._start :], clearance)
        if "label" not in request.metadata or not _covers(seen, label_from_json(request.metadata["label"])):
            return None
        metadata = {**request.metadata, "label": label.to_json()}
        return replace(request, messages=[*request.messages[: self._start], *shown], metadata=metadata)

    def _shown(
        self, messages: Sequence[Mapping[str, Any]], clearance: Clearance
    ) -> tuple[list[Mapping[str, Any]], Label, Label]:
        """Return what is shown of *messages*, its label, and that of all that they hold."""
        seen = label = self._before
        shown: list[Mapping[str, Any]] = []
        for message in messages:
            text = message["content"]
            result = self._results.get(text) if message["role"] == "tool" else None
            if result is not None:
                seen = seen.join(result.label)
                now = result.label
                if not clearance.admits(now):
                    text, now = result.shown(clearance)
                label = label.join(now)
                shown.append({**message, "content": text})
            elif message["role"] == "assistant" and not clearance.admits(seen):
                shown.append(_hushed(message, seen))
            else:
                shown.append(message)
        return shown, label, seen


def _covers(label: Label, other: Label) -> bool:
    """Return whether *other* is no more confidential than *label*, and about nothing else."""
    return other.confidentiality <= label.confidentiality and other.categories <= label.categories


def _hushed(message: Mapping[str, Any], label: Label) -> dict[str, Any]:
    calls = [{**call, "function": {**call["function"], "arguments": "{}"}} for call in message.get("tool_calls") or ()]
    words = masked(label) if message.get("content") else message.get("content")
    return {**message, "content": words, **({"tool_calls": calls} if calls else {})}
