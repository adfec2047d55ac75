"""What of a model's reply the client gets while it comes: words, and calls of its own functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interlock.experience.openai.results import handed_out
from interlock.intelligence.gateway import CallPart, Delta, ToolCall
from interlock.values.identifiers import new_id

BETWEEN = "\n\n"
"""What stands between the words of two replies, which the client gets as one answer."""


class Passing:
    """Passes on the replies that one answer is made of, and remembers what the client was given of them.

    *own* says of a function's name whether it is the client's. Its calls keep their ids unless they could be taken for
    another's.
    """

    def __init__(self, own: Callable[[str], bool]) -> None:
        self._own = own
        self._indexes: list[int] = []
        self._places: dict[int, tuple[int, str]] = {}
        self._texts: list[str] = []
        self._breaks = False
        self.given: set[str] = set()
        """The ids of the calls that the client was given part by part."""
        self._ids: set[str] = set()

    @property
    def shown(self) -> int:
        """How many calls the client was given so far."""
        return len(self.given)

    @property
    def text(self) -> str:
        """All words that the client was given."""
        return "".join(self._texts)

    def begin(self) -> None:
        """Begin the next reply."""
        self._indexes, self._places = [], {}
        self._breaks = bool(self._texts)

    def deltas(self, deltas: Sequence[Delta]) -> list[Delta]:
        """Return what of *deltas* the client gets now."""
        passed = []
        for delta in deltas:
            if not delta.calls and not (self._breaks and delta.text):
                if delta.text:
                    self._texts.append(delta.text)
                passed.append(delta)
                continue
            calls = tuple(part for call in delta.calls if (part := self._part(call)) is not None)
            text = self._joined(delta.text)
            if text or calls or delta.reasoning:
                passed.append(replace(delta, text=text, calls=calls))
        return passed

    def id_of(self, place: int, call: ToolCall) -> str:
        """Return the id of a call of the client's own, which stands at *place* among those of the reply."""
        index = sorted(self._indexes)[place] if place < len(self._indexes) else -1
        known = self._places.get(index)
        return known[1] if known is not None else self._free(call.id)

    def _joined(self, text: str) -> str:
        if not text:
            return text
        joined = BETWEEN + text if self._breaks else text
        self._texts.append(joined)
        self._breaks = False
        return joined

    def _part(self, call: CallPart) -> CallPart | None:
        if call.index not in self._indexes:
            self._indexes.append(call.index)
            if not call.name or not self._own(call.name):
                return None
            self._places[call.index] = (self.shown, self._free(call.id))
            self.given.add(self._places[call.index][1])
            return replace(call, index=self._places[call.index][0], id=self._places[call.index][1])
        known = self._places.get(call.index)
        return None if known is None else replace(call, index=known[0], id="", name="")

    def _free(self, call_id: str) -> str:
        """Return an id that cannot be taken for that of another call, or of an action."""
        if not call_id or call_id in self._ids or handed_out(call_id):
            call_id = new_id("call")
        self._ids.add(call_id)
        return call_id
