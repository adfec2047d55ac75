"""The items that a response is made of, and the response around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.shapes import call_json
from interlock.intelligence.gateway import ToolCall, Usage
from interlock.values.identifiers import new_id

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}

Item = dict[str, Any]


def message(text: str, item_id: str = "") -> Item:
    """Return what the model said to the person."""
    item: Item = {"id": item_id or new_id("msg"), "type": "message", "role": "assistant", "status": "completed"}
    return {**item, "content": [text_part(text)]}


def text_part(text: str) -> Item:
    """Return a text as a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning(text: str, item_id: str = "") -> Item:
    """Return what the model said to itself."""
    content = [{"type": "reasoning_text", "text": text}]
    return {"id": item_id or new_id("rs"), "type": "reasoning", "summary": [], "content": content}


def function_call(call: ToolCall) -> Item:
    """Return a call of a function."""
    arguments = call_json(call)["function"]["arguments"]
    item: Item = {"id": new_id("fc"), "type": "function_call", "call_id": call.id, "name": call.name}
    return {**item, "arguments": arguments, "status": "completed"}


def items(answer: Completion) -> list[Item]:
    """Return all items of an answer."""
    found = [reasoning(answer.reasoning)] if answer.reasoning else []
    found += [message(answer.text)] if answer.text or not answer.tool_calls else []
    return found + [function_call(call) for call in answer.tool_calls]


def head(model: str, created: int) -> Item:
    """Return a response of which nothing has come."""
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "store": False,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
    }


def finished(begun: Item, answer: Completion, output: Sequence[Item]) -> Item:
    """Return the response *begun* with its *output*: completed, or incomplete for its length or for a filter."""
    why = _INCOMPLETE.get(answer.finish_reason)
    status = {"status": "incomplete", "incomplete_details": {"reason": why}} if why else {"status": "completed"}
    return {**begun, **status, "output": list(output), "usage": _usage(answer.usage)}


def _usage(usage: Usage) -> Item:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
