"""What a session is told of by its caller alone: texts that the caller's own tools gave to the model.

Interlock did not run those tools and cannot say whom their texts come from, so each counts as an outsider's. A session
that is loaded again has to remember them: without them, a value that such a text brought in would be `unknown` (made
by the model) where it was `untrusted` before, and forgetting may only make answers more cautious. So they are kept
with the session, within a bound. Of what is beyond it the mark stays and the text goes, and a session that is loaded
without it takes every value that nobody trusted wrote for `untrusted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from interlock.values.digests import digest
from interlock.values.labels import Integrity, Label
from interlock.values.operations import Effect, Operation

SYSTEM = "client"
KEPT = 128 << 10
"""How many characters of such texts are stored with one session."""
LONGEST = 64 << 10
"""Of a longer text, memory itself keeps a part and says so; it is not stored."""
MOST = 1000
_LONGEST_TOOL = 128


@dataclass(frozen=True, slots=True)
class Overheard:
    """One text and the tool it came by. *text* is empty where it was too much to keep; *mark* tells it again."""

    tool: str
    mark: str
    text: str

    @property
    def operation(self) -> Operation:
        """The read that stands for the tool in origins, `client.TOOL`: nothing it returns is trusted."""
        return _operation(self.tool)

    @property
    def value(self) -> Any:
        """The text as JSON where it is an object or a list, so that its fields are told apart."""
        if self.text[:1].isspace() or self.text[:1] in "{[":
            try:
                value = orjson.loads(self.text)
            except orjson.JSONDecodeError:
                return self.text
            return value if isinstance(value, (dict, list)) else self.text
        return self.text

    def to_json(self) -> dict[str, str]:
        """Return what is stored of it."""
        return {"tool": self.tool, "mark": self.mark, "text": self.text}


def overheard(tool: str, text: str) -> Overheard:
    """Return *text* as heard from *tool*."""
    tool = tool[:_LONGEST_TOOL]
    return Overheard(tool, digest([tool, text])[7:31], text)


def bounded(texts: Sequence[Overheard]) -> list[Overheard]:
    """Return what is stored of *texts*: all marks up to a bound, and the newest texts up to another."""
    kept: list[Overheard] = []
    left = KEPT
    for heard in reversed(texts[-MOST:]):
        fits = len(heard.text) <= min(left, LONGEST)
        left -= len(heard.text) if fits else 0
        kept.append(heard if fits else replace(heard, text=""))
    if kept and len(texts) > MOST:
        kept[-1] = replace(kept[-1], text="")
    return kept[::-1]


@lru_cache(maxsize=1000)
def _operation(tool: str) -> Operation:
    return Operation(SYSTEM, tool, Effect.read, label=Label(integrity=Integrity.untrusted))
