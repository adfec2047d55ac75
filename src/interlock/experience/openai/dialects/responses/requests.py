"""The body of a request to `/v1/responses`, and the chat completion that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.experience.openai.errors import ParameterUnsupported
from interlock.experience.openai.shapes import MOST_MESSAGES, MOST_TOOLS, ChatRequest, chat_request, demand
from interlock.integration.contracts import Contract

_TEXT = {"type": "string"}
_PARTS = {
    "type": ["string", "array"],
    "items": {"type": "object", "required": ["type"], "properties": {"type": _TEXT, "text": _TEXT}},
}
_NEEDED = {
    "message": (
        ["role", "content"],
        {"role": {"enum": ["user", "assistant", "system", "developer"]}, "content": _PARTS},
    ),
    "function_call": (["call_id", "name", "arguments"], {"call_id": _TEXT, "name": _TEXT, "arguments": _TEXT}),
    "function_call_output": (["call_id", "output"], {"call_id": _TEXT, "output": _PARTS}),
}
_ITEM = {
    "type": "object",
    "properties": {"type": _TEXT},
    "allOf": [
        {
            "if": {"required": ["type"], "properties": {"type": {"const": kind}}},
            "then": {"required": required, "properties": properties},
        }
        for kind, (required, properties) in _NEEDED.items()
    ]
    + [
        {
            "if": {"not": {"required": ["type"]}},
            "then": {"required": _NEEDED["message"][0], "properties": _NEEDED["message"][1]},
        }
    ],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "maxLength": 128},
        "input": {"type": ["string", "array"], "minItems": 1, "maxItems": MOST_MESSAGES, "items": _ITEM},
        "instructions": {"type": ["string", "null"]},
        "tools": {
            "type": ["array", "null"],
            "maxItems": MOST_TOOLS,
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": _TEXT,
                    "name": _TEXT,
                    "description": {"type": ["string", "null"]},
                    "parameters": {"type": ["object", "null"]},
                    "strict": {"type": ["boolean", "null"]},
                },
            },
        },
        "tool_choice": {"type": ["string", "object", "null"]},
        "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
        "text": {"type": ["object", "null"], "properties": {"format": {"type": ["object", "null"]}}},
        "reasoning": {"type": ["object", "null"]},
        "stream": {"type": ["boolean", "null"]},
    },
}
_CONTRACT = Contract(SCHEMA)
_ALIKE = frozenset(
    {
        "parallel_tool_calls",
        "temperature",
        "top_p",
        "metadata",
        "user",
        "safety_identifier",
        "service_tier",
        "prompt_cache_key",
        "top_logprobs",
    }
)
_TAKEN = frozenset({"store", "include", "stream_options", "truncation"})
"""Members that change nothing here: nothing is stored, so a client has to send the conversation with each request."""


def request_of(body: Any) -> ChatRequest:
    """Return the chat completion that *body* asks for. Raises `RequestInvalid` and `ParameterUnsupported`."""
    demand(_CONTRACT, body, "the responses of OpenAI's interface")
    for name in sorted(body.keys() - SCHEMA["properties"].keys() - _ALIKE - _TAKEN):
        if body[name] not in (None, False):
            fix = "send the whole conversation as input" if "response" in name or "conv" in name else "leave it out"
            raise ParameterUnsupported(f"{name} is not taken", fix=fix, param=name)
    return chat_request({**_settings(body), "model": body["model"], "messages": list(_messages(body)), **_tools(body)})


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: body[name] for name in _ALIKE & body.keys() if body[name] is not None}
    if body.get("max_output_tokens"):
        settings["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("stream"):
        settings["stream"] = True
    effort = (body.get("reasoning") or {}).get("effort")
    if effort:
        settings["reasoning_effort"] = effort
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        schema = {name: value for name, value in wanted.items() if name != "type"}
        settings["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif wanted.get("type", "text") != "text":
        settings["response_format"] = wanted
    return settings


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = []
    for at, tool in enumerate(body.get("tools") or ()):
        if tool["type"] != "function" or not tool.get("name"):
            fix = "offer functions of your own; operations of the project have names of their own"
            raise ParameterUnsupported("tools of the provider are not offered here", fix=fix, param=f"tools[{at}]")
        function = {name: value for name, value in tool.items() if name != "type" and value is not None}
        tools.append({"type": "function", "function": function})
    found: dict[str, Any] = {"tools": tools} if tools else {}
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") != "function":
            raise ParameterUnsupported("this tool_choice is not taken", fix="name a function", param="tool_choice")
        found["tool_choice"] = {"type": "function", "function": {"name": choice.get("name", "")}}
    elif choice is not None:
        found["tool_choice"] = choice
    return found


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the conversation; a message of the model and the calls that follow it are one message there."""
    if body.get("instructions"):
        yield {"role": "system", "content": body["instructions"]}
    if isinstance(body["input"], str):
        yield {"role": "user", "content": body["input"]}
        return
    answer: dict[str, Any] | None = None
    for at, item in enumerate(body["input"]):
        kind, place = item.get("type", "message"), f"input[{at}]"
        if kind == "reasoning":
            continue  # chat completions have no place for what a model said to itself
        if kind == "function_call":
            answer = answer or {"role": "assistant", "content": None}
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            answer.setdefault("tool_calls", []).append(call)
            continue
        if answer is not None:
            yield answer
            answer = None
        if kind == "function_call_output":
            yield {"role": "tool", "tool_call_id": item["call_id"], "content": _text(item["output"], place)}
        elif kind != "message":
            raise ParameterUnsupported(f"items of type {kind[:40]!r} are not taken", fix="leave it out", param=place)
        elif item["role"] == "assistant":
            answer = {"role": "assistant", "content": _text(item["content"], place)}
        else:
            yield {"role": item["role"], "content": _content(item["content"], place)}
    if answer is not None:
        yield answer


def _content(content: str | Sequence[Mapping[str, Any]], place: str) -> Any:
    if isinstance(content, str):
        return content
    parts: list[dict[str, Any]] = []
    for part in content:
        if part["type"] in {"input_text", "output_text", "text"}:
            parts.append({"type": "text", "text": part.get("text", "")})
        elif part["type"] == "input_image" and isinstance(part.get("image_url"), str):
            detail = {"detail": part["detail"]} if part.get("detail") else {}
            parts.append({"type": "image_url", "image_url": {"url": part["image_url"], **detail}})
        else:
            kind = part["type"][:40]
            raise ParameterUnsupported(f"parts of type {kind!r} are not taken", fix="send it as text", param=place)
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _text(content: str | Sequence[Mapping[str, Any]], place: str) -> str:
    if isinstance(content, str):
        return content
    for part in content:
        if part["type"] not in {"input_text", "output_text", "text", "refusal"}:
            kind = part["type"][:40]
            raise ParameterUnsupported(f"parts of type {kind!r} are not taken", fix="send it as text", param=place)
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in content)
