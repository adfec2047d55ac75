"""The answer to one request, whoever's words it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.intelligence.gateway import Extras, ToolCall, Usage

FINISHES = frozenset({"stop", "length", "content_filter"})


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer that is complete. *created* is in seconds of the Unix epoch; *extras* are the last model's own."""

    model: str
    created: int
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: str = ""
    reasoning: str = field(default="", repr=False)
    extras: Extras = field(default_factory=Extras, repr=False)

    @property
    def finish_reason(self) -> str:
        """Why it ends, in OpenAI's words."""
        if self.tool_calls:
            return "tool_calls"
        return self.finish if self.finish in FINISHES else "stop"
