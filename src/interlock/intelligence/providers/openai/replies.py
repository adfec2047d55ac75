"""Reads a chat completion strictly enough to trust its shape, whatever a server sends."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.intelligence.gateway.errors import ModelUnreadable
from interlock.intelligence.gateway.messages import ModelReply, ToolCall, Usage

MOST_TOOL_CALLS = 32
MOST_TOKENS = 1 << 31
FILTERED = "content_filter"


def read_reply(body: bytes, *, provider: str, model: str) -> ModelReply:
    """Return the first choice of a chat completion. Raises `ModelUnreadable` without quoting the body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    choice = _choice(document)
    message = choice["message"]
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or len(calls) > MOST_TOOL_CALLS:
        raise ModelUnreadable(f"tool_calls is not a list of at most {MOST_TOOL_CALLS}")
    text = _text(message.get("content")) or _text(message.get("refusal"))
    tool_calls = tuple(_tool_call(call, position) for position, call in enumerate(calls))
    if not text and not tool_calls and choice.get("finish_reason") != FILTERED:
        raise ModelUnreadable("the message has neither text nor tool calls")
    served = document.get("model")
    reported = served if isinstance(served, str) else ""
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else ""
    return ModelReply(
        text,
        tool_calls,
        provider,
        reported or model,
        _usage(document.get("usage")),
        finish,
        reported,
        declined=finish == FILTERED or bool(_text(message.get("refusal"))),
    )


def _choice(document: Any) -> dict[str, Any]:
    choices = document.get("choices") if isinstance(document, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise ModelUnreadable("the answer has no choices[0].message")
    return first


def _text(content: Any) -> str:
    """The message's text; some servers send it in parts, some put a refusal in its place."""
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


def _usage(usage: Any) -> Usage:
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
