"""What all answers of the Messages interface are made of."""

from __future__ import annotations

from typing import Any

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.chat import words
from interlock.intelligence.gateway import ToolCall, Usage
from interlock.values.errors import InterlockError

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def stop_reason(answer: Completion) -> str:
    """Return why an answer ends."""
    return _REASONS[answer.finish_reason]


def usage_json(usage: Usage) -> dict[str, int]:
    """Return what an answer took; what was read from the provider's cache is no part of `input_tokens` here."""
    return {
        "input_tokens": max(usage.input_tokens - usage.cached_tokens, 0),
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output_tokens,
    }


def blocks(answer: Completion) -> list[dict[str, Any]]:
    """Return an answer's content."""
    found: list[dict[str, Any]] = []
    if answer.reasoning:
        found.append({"type": "thinking", "thinking": answer.reasoning, "signature": ""})
    if answer.text:
        found.append({"type": "text", "text": answer.text})
    return found + [_use(call) for call in answer.tool_calls]


def error_json(error: InterlockError) -> dict[str, Any]:
    """Return an error, with our code beside the interface's own type."""
    kind = _TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": words(error), "code": error.code}}


def _use(call: ToolCall) -> dict[str, Any]:
    given = {"unreadable": call.raw} if call.problem else dict(call.arguments)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}
