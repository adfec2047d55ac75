"""The body of a chat completion: what is taken, and what of it goes on to the model as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.experience.api.errors import RequestInvalid
from interlock.experience.openai.errors import ParameterUnsupported
from interlock.integration.contracts import Contract
from interlock.intelligence.gateway import ToolCall

MOST_MESSAGES = 2000
MOST_TOOLS = 128

_NAME = {"type": "string", "minLength": 1, "maxLength": 128}
_ID = {"type": "string", "minLength": 1, "maxLength": 200}
_PART = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
}
_CALL = {
    "type": "object",
    "required": ["id", "type", "function"],
    "properties": {
        "id": _ID,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name", "arguments"],
            "properties": {"name": _NAME, "arguments": {"type": "string"}},
        },
    },
}
_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array", "null"], "items": _PART},
        "tool_calls": {"type": ["array", "null"], "items": _CALL, "maxItems": MOST_TOOLS},
        "tool_call_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 200},
        "function_call": {"type": "null"},
    },
    "allOf": [
        {
            "if": {"properties": {"role": {"enum": ["system", "developer", "user", "tool"]}}},
            "then": {"required": ["content"], "properties": {"content": {"type": ["string", "array"]}}},
        },
        {
            "if": {"properties": {"role": {"const": "tool"}}},
            "then": {"required": ["tool_call_id"], "properties": {"tool_call_id": {"type": "string"}}},
        },
    ],
}
_TOOL = {
    "type": "object",
    "required": ["type", "function"],
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": _NAME,
                "description": {"type": ["string", "null"]},
                "parameters": {"type": ["object", "null"]},
            },
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": _NAME,
        "messages": {"type": "array", "minItems": 1, "maxItems": MOST_MESSAGES, "items": _MESSAGE},
        "tools": {"type": ["array", "null"], "maxItems": MOST_TOOLS, "items": _TOOL},
        "tool_choice": {"type": ["string", "object", "null"]},
        "stream": {"type": ["boolean", "null"]},
        "stream_options": {
            "type": ["object", "null"],
            "properties": {"include_usage": {"type": ["boolean", "null"]}},
        },
        "n": {"type": ["integer", "null"], "minimum": 1},
    },
}
_CONTRACT = Contract(SCHEMA)
_OWN = frozenset({"model", "messages", "tools", "stream", "stream_options", "n"})
_OLDER = ("functions", "function_call")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A valid request. *parameters* are all members that Interlock itself has no use for; the model gets them."""

    model: str
    messages: Sequence[Mapping[str, Any]] = field(repr=False)
    tools: Sequence[Mapping[str, Any]] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stream: bool = False
    include_usage: bool = False


def chat_request(body: Any) -> ChatRequest:
    """Return the request that *body* is. Raises `RequestInvalid` and `ParameterUnsupported`."""
    demand(_CONTRACT, body, "the chat completions of OpenAI's interface")
    for name in _OLDER:
        if body.get(name) is not None:
            raise ParameterUnsupported(f"{name} is not taken", fix="use tools and tool_choice", param=name)
    if (body.get("n") or 1) != 1:
        raise ParameterUnsupported("one choice is answered, not several", fix="leave n out", param="n")
    options = body.get("stream_options") or {}
    return ChatRequest(
        body["model"],
        body["messages"],
        body.get("tools") or (),
        {name: value for name, value in body.items() if name not in _OWN and value is not None},
        bool(body.get("stream")),
        bool(options.get("include_usage")),
    )


def demand(contract: Contract, body: Any, interface: str) -> None:
    """Raise `RequestInvalid` unless *body* keeps the *contract* of *interface*."""
    if not contract.holds(body):
        breach = contract.breaches(body)[0]
        place = dotted(breach.pointer)
        raise RequestInvalid(f"{place or 'the body'} {breach.reason}", fix=f"see {interface}", param=place)


def call_json(call: ToolCall) -> dict[str, Any]:
    """Return a tool call in the shape of a message."""
    function = {"name": call.name, "arguments": call.raw or orjson.dumps(dict(call.arguments)).decode()}
    return {"id": call.id, "type": "function", "function": function}


def relaxed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return *parameters* for asking again after tool calls were answered.

    A choice that forces a tool was obeyed; kept, it would make the model call tools for ever.
    """
    choice = parameters.get("tool_choice")
    if choice is None or choice in ("none", "auto"):
        return dict(parameters)
    kept = {name: value for name, value in parameters.items() if name != "tool_choice"}
    if isinstance(choice, dict) and isinstance(allowed := choice.get("allowed_tools"), dict):
        kept["tool_choice"] = {**choice, "allowed_tools": {**allowed, "mode": "auto"}}
    return kept


def text_of(content: Any) -> str:
    """Return the text of a message's content: all of it, or its text parts."""
    if isinstance(content, str):
        return content
    parts = [part.get("text") for part in content or () if part.get("type") == "text"]
    return "\n".join(part for part in parts if isinstance(part, str))


def dotted(pointer: str) -> str:
    """Return a JSON pointer in the way that OpenAI names a parameter: `messages[0].role`."""
    text = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in pointer.split("/")[1:])
    return text.removeprefix(".")
