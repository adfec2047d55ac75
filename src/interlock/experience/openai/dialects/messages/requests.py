"""The body of a request to `/v1/messages`, and the chat completion that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from interlock.experience.openai.errors import ParameterUnsupported
from interlock.experience.openai.shapes import MOST_MESSAGES, MOST_TOOLS, ChatRequest, chat_request, demand
from interlock.integration.contracts import Contract

_TEXT = {"type": "string"}
_BLOCK = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": _TEXT},
    "allOf": [
        {"if": {"properties": {"type": {"const": kind}}}, "then": {"required": needed, "properties": properties}}
        for kind, needed, properties in (
            ("text", ["text"], {"text": _TEXT}),
            ("tool_use", ["id", "name", "input"], {"id": _TEXT, "name": _TEXT, "input": {"type": "object"}}),
            (
                "tool_result",
                ["tool_use_id"],
                {
                    "tool_use_id": _TEXT,
                    "content": {"type": ["string", "array"], "items": {"type": "object", "required": ["type"]}},
                },
            ),
            ("image", ["source"], {"source": {"type": "object", "required": ["type"]}}),
        )
    ],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "max_tokens", "messages"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "maxLength": 128},
        "max_tokens": {"type": "integer", "minimum": 1},
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_MESSAGES,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "properties": {
                    "role": {"enum": ["user", "assistant"]},
                    "content": {"type": ["string", "array"], "items": _BLOCK},
                },
            },
        },
        "system": {
            "type": ["string", "array"],
            "items": {"type": "object", "required": ["text"], "properties": {"text": _TEXT}},
        },
        "tools": {
            "type": "array",
            "maxItems": MOST_TOOLS,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": _TEXT, "description": _TEXT, "input_schema": {"type": "object"}},
            },
        },
        "tool_choice": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": {"enum": ["auto", "any", "tool", "none"]},
                "name": _TEXT,
                "disable_parallel_tool_use": {"type": "boolean"},
            },
        },
        "stop_sequences": {"type": "array", "items": _TEXT},
        "stream": {"type": "boolean"},
        "metadata": {"type": "object", "properties": {"user_id": {"type": ["string", "null"]}}},
        "thinking": {"type": "object"},
        "output_config": {"type": "object", "properties": {"format": {"type": ["object", "null"]}}},
        "output_format": {"type": ["object", "null"]},
    },
}
_CONTRACT = Contract(SCHEMA)
_READ = frozenset(SCHEMA["properties"])
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_SILENT = frozenset({"thinking", "redacted_thinking"})
"""Blocks of an earlier answer for which chat completions have no place."""
_ALIKE = frozenset({"temperature", "top_p", "top_k", "service_tier"})


def request_of(body: Any) -> ChatRequest:
    """Return the chat completion that *body* asks for. Raises `RequestInvalid` and `ParameterUnsupported`."""
    demand(_CONTRACT, body, "the messages of Anthropic's interface")
    unknown = sorted(body.keys() - _READ - _ALIKE)
    if unknown:
        fix = "leave it out, or use /v1/chat/completions, which passes members on that it does not know"
        raise ParameterUnsupported(f"{unknown[0]} is not taken", fix=fix, param=unknown[0])
    return chat_request({**_settings(body), "model": body["model"], "messages": list(_messages(body)), **_tools(body)})


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: body[name] for name in _ALIKE & body.keys()}
    settings["max_tokens"] = body["max_tokens"]
    if body.get("stop_sequences"):
        settings["stop"] = body["stop_sequences"]
    if body.get("stream"):
        settings["stream"] = True
    if user := (body.get("metadata") or {}).get("user_id"):
        settings["user"] = user
    wanted = body.get("output_format") or (body.get("output_config") or {}).get("format")
    if wanted:
        if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
            raise ParameterUnsupported("the format is not taken", fix="use json_schema", param="output_config.format")
        schema = {"name": "answer", "schema": wanted["schema"], "strict": True}
        settings["response_format"] = {"type": "json_schema", "json_schema": schema}
    return settings


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = []
    for at, tool in enumerate(body.get("tools") or ()):
        if tool.get("type", "custom") != "custom" or "input_schema" not in tool:
            fix = "offer functions of your own, with an input_schema; operations of the project have names of their own"
            raise ParameterUnsupported("tools of the provider are not offered here", fix=fix, param=f"tools[{at}]")
        function = {"name": tool["name"], "parameters": tool["input_schema"]}
        if tool.get("description"):
            function["description"] = tool["description"]
        tools.append({"type": "function", "function": function})
    found: dict[str, Any] = {"tools": tools} if tools else {}
    choice = body.get("tool_choice")
    if choice is not None:
        if choice["type"] == "tool":
            found["tool_choice"] = {"type": "function", "function": {"name": choice.get("name", "")}}
        else:
            found["tool_choice"] = _CHOICES[choice["type"]]
        if choice.get("disable_parallel_tool_use"):
            found["parallel_tool_calls"] = False
    return found


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    system = body.get("system")
    if system:
        text = system if isinstance(system, str) else "\n\n".join(block["text"] for block in system)
        yield {"role": "system", "content": text}
    for at, message in enumerate(body["messages"]):
        content = message["content"]
        if isinstance(content, str):
            yield {"role": message["role"], "content": content}
        elif message["role"] == "user":
            yield from _said(content, f"messages[{at}]")
        else:
            yield _answered(content, f"messages[{at}]")


def _said(blocks: Sequence[Mapping[str, Any]], place: str) -> Iterator[dict[str, Any]]:
    """Yield the results of tools, then what the person said."""
    parts: list[dict[str, Any]] = []
    for at, block in enumerate(blocks):
        if block["type"] == "tool_result":
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": _result(block)}
        elif block["type"] == "text":
            parts.append({"type": "text", "text": block["text"]})
        elif block["type"] == "image":
            parts.append({"type": "image_url", "image_url": {"url": _image(block["source"], f"{place}.content[{at}]")}})
        else:
            raise _untaken(block, f"{place}.content[{at}]")
    if parts:
        words = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
        yield {"role": "user", "content": words}


def _result(block: Mapping[str, Any]) -> str:
    content = block.get("content") or ""
    if isinstance(content, str):
        text = content
    else:
        texts = (part.get("text") for part in content if part["type"] == "text")
        text = "\n".join(part for part in texts if isinstance(part, str))
    return orjson.dumps({"error": text}).decode() if block.get("is_error") else text


def _image(source: Mapping[str, Any], place: str) -> str:
    if source["type"] == "url" and isinstance(source.get("url"), str):
        return str(source["url"])
    if source["type"] == "base64" and isinstance(source.get("data"), str):
        return f"data:{source.get('media_type', 'image/png')};base64,{source['data']}"
    raise ParameterUnsupported("the image's source is not taken", fix="send it as base64 or by its url", param=place)


def _answered(blocks: Sequence[Mapping[str, Any]], place: str) -> dict[str, Any]:
    texts, calls = [], []
    for at, block in enumerate(blocks):
        if block["type"] == "text":
            texts.append(block["text"])
        elif block["type"] == "tool_use":
            function = {"name": block["name"], "arguments": orjson.dumps(block["input"]).decode()}
            calls.append({"id": block["id"], "type": "function", "function": function})
        elif block["type"] not in _SILENT:
            raise _untaken(block, f"{place}.content[{at}]")
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) or None}
    return {**message, "tool_calls": calls} if calls else message


def _untaken(block: Mapping[str, Any], place: str) -> ParameterUnsupported:
    kind = str(block["type"])[:40]
    return ParameterUnsupported(f"blocks of type {kind!r} are not taken", fix="send it as text", param=place)
