"""What a request's messages say about where the conversation is: the provider keeps nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

STATES = frozenset(
    {"succeeded", "waiting", "denied", "drafted", "shadowed", "failed", "in_doubt", "cancelled", "executing"}
)


@dataclass(frozen=True, slots=True)
class Done:
    """One tool call of this turn and what came of it."""

    tool: str
    state: str
    output: Any = None
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The person's latest words, those before, what has been done since, and how many calls there ever were.

    *session* and *context* are what the caller told as context: a system message that is a JSON object with
    `kind: context`.
    """

    words: str
    earlier: tuple[str, ...] = ()
    done: tuple[Done, ...] = ()
    calls: int = 0
    session: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


def read_conversation(messages: Sequence[Mapping[str, Any]]) -> Conversation:
    """Return the state of the conversation that *messages* (in OpenAI's shape) hold."""
    spoken = [position for position, message in enumerate(messages) if message.get("role") == "user"]
    calls = sum(1 for _ in _calls(messages))
    known = _context(messages)
    session, context = known.get("session") or {}, known.get("data") or {}
    if not spoken:
        return Conversation("", calls=calls, session=session, context=context)
    latest = messages[spoken[-1] + 1 :]
    results = {str(each.get("tool_call_id")): each for each in latest if each.get("role") == "tool"}
    done = tuple(_done(name, results[call_id].get("content")) for call_id, name in _calls(latest) if call_id in results)
    texts = [_text(messages[position].get("content")) for position in spoken]
    return Conversation(texts[-1], tuple(reversed(texts[:-1])), done, calls, session, context)


def _context(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for message in messages:
        content = message.get("content")
        if message.get("role") != "system" or not isinstance(content, str) or not content.startswith("{"):
            continue
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict) and value.get("kind") == "context":
            return value
    return {}


def _calls(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for message in messages:
        if message.get("role") != "assistant":
            continue
        for call in message.get("tool_calls") or ():
            yield str(call.get("id")), str(call.get("function", {}).get("name"))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _done(tool: str, content: Any) -> Done:
    """A result as Interlock's agents give it says how the action ended; any other is taken for the output."""
    text = _text(content)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Done(tool, "succeeded", text)
    if isinstance(value, dict) and value.get("state") in STATES and "action" in value:
        return Done(tool, str(value["state"]), value.get("output"), value)
    return Done(tool, "succeeded", value)
