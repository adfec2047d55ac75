"""Handing a request over: the tools by which a model does so, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.intelligence.gateway import ToolCall, tool_name

SYSTEM = "hand_over"
"""Stands where a system does in the names of these tools; rules write `hand_over.AGENT`."""
PERSON = "person"


def tools_of(hand_offs: Sequence[str], about: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tools by which a request is handed over; *about* says what each agent is for."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool_name(f"{SYSTEM}.{name}"),
                "description": f"Hand the request over to {_named(name, about)}. You have no more to do with it then.",
                "parameters": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"reason": {"type": "string", "description": "why, in a sentence"}},
                },
            },
        }
        for name in hand_offs
    ]


def handed_to(call: ToolCall, hand_offs: Sequence[str]) -> str:
    """Return whom *call* hands the request over to; empty for any other call."""
    return next((name for name in hand_offs if call.name == tool_name(f"{SYSTEM}.{name}")), "")


def _named(name: str, about: Mapping[str, str]) -> str:
    if name == PERSON:
        return "a person"
    described = about.get(name, "").rstrip(".")
    return f"the agent {name}: {described}" if described else f"the agent {name}"
