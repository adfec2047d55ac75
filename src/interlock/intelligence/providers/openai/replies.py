"""Reads a chat completion strictly enough to trust its shape, whatever a server sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.intelligence.gateway.errors import ModelUnreadable
from interlock.intelligence.gateway.messages import NOTHING, Extras, ModelReply, ToolCall, Usage

MOST_TOOL_CALLS = 32
MOST_TOKENS = 1 << 31
FILTERED = "content_filter"
SILENT = frozenset({FILTERED, "length"})
"""Why an answer may end without having said anything."""

REASONING = ("reasoning_content", "reasoning")
"""Where servers put what a model says to itself; OpenAI's own interface has no place for it."""

MESSAGE = frozenset({"role", "content", "refusal", "tool_calls", "function_call", *REASONING})
CHOICE = frozenset({"index", "message", "delta", "finish_reason"})
TOP = frozenset({"id", "object", "created", "model", "choices", "usage"})


def read_reply(body: bytes, *, provider: str, model: str) -> ModelReply:
    """Return the first choice of a chat completion. Raises `ModelUnreadable` without quoting the body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    choice = _choice(document)
    message = choice["message"]
    refusal = text_in(message.get("refusal"))
    said = Said(
        text=text_in(message.get("content")) or refusal,
        refused=bool(refusal),
        calls=read_calls(message.get("tool_calls") or []),
        finish=choice.get("finish_reason"),
        reported=document.get("model"),
        usage=document.get("usage"),
        reasoning=next((found for name in REASONING if (found := text_in(message.get(name)))), ""),
        extras=Extras(
            but(document, TOP),
            but(choice, CHOICE),
            but(message, MESSAGE),
        ),
    )
    return reply_of(said, provider=provider, model=model)


@dataclass(frozen=True, slots=True)
class Said:
    """What a completion says, with members as they came: *finish*, *reported* and *usage* may be anything."""

    text: str
    refused: bool
    calls: tuple[ToolCall, ...]
    finish: Any
    reported: Any
    usage: Any
    reasoning: str
    extras: Extras


def reply_of(said: Said, *, provider: str, model: str) -> ModelReply:
    """Return the reply that a completion makes. Raises `ModelUnreadable` where it says nothing."""
    finish = said.finish if isinstance(said.finish, str) else ""
    if not said.text and not said.calls and finish not in SILENT:
        raise ModelUnreadable("the message has neither text nor tool calls")
    reported = said.reported if isinstance(said.reported, str) else ""
    return ModelReply(
        said.text,
        said.calls,
        provider,
        reported or model,
        usage_of(said.usage),
        finish,
        reported,
        declined=finish == FILTERED or said.refused,
        reasoning=said.reasoning,
        extras=said.extras,
    )


def but(members: dict[str, Any], known: frozenset[str]) -> Mapping[str, Any]:
    """Return those of *members* that the gateway has no use for."""
    if members.keys() <= known:
        return NOTHING
    return {name: value for name, value in members.items() if name not in known and value is not None}


def read_calls(calls: Any) -> tuple[ToolCall, ...]:
    """Return the tool calls of a message. Raises `ModelUnreadable`."""
    if not isinstance(calls, list) or len(calls) > MOST_TOOL_CALLS:
        raise ModelUnreadable(f"tool_calls is not a list of at most {MOST_TOOL_CALLS}")
    return tuple(_tool_call(call, position) for position, call in enumerate(calls))


def _choice(document: Any) -> dict[str, Any]:
    choices = document.get("choices") if isinstance(document, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise ModelUnreadable("the answer has no choices[0].message")
    return first


def text_in(content: Any) -> str:
    """Return a message's text; some servers send it in parts, some put a refusal in its place."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _tool_call(call: Any, position: int) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise ModelUnreadable("a tool call has no function name")
    known = call.get("id")
    call_id = known if isinstance(known, str) and known else f"call_{position}"
    arguments = function.get("arguments") or "{}"
    raw = arguments if isinstance(arguments, str) else ""
    if raw:
        try:
            arguments = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return ToolCall(call_id, name, problem="the arguments are not valid JSON", raw=raw)
    if not isinstance(arguments, dict):
        return ToolCall(call_id, name, problem="the arguments are not a JSON object", raw=raw)
    return ToolCall(call_id, name, arguments, raw=raw)


def usage_of(usage: Any) -> Usage:
    """Return what an answer took, as far as its usage can be read."""
    if not isinstance(usage, dict):
        return Usage()
    read, said = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    cached = read.get("cached_tokens") if isinstance(read, dict) else 0
    reasoning = said.get("reasoning_tokens") if isinstance(said, dict) else 0
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached, reasoning)
    return Usage(*map(_count, counts))


def _count(value: Any) -> int:
    """A number of tokens; what cannot be one counts as none, which is seen as a usage that is missing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_TOKENS else 0
