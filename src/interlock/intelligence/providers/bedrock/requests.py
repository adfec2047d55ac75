"""Chat completions as Bedrock's `Converse` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from interlock.intelligence.gateway.errors import ModelRefused
from interlock.intelligence.gateway.messages import ModelRequest

Block = dict[str, Any]

_DATA = re.compile(r"data:image/(png|jpeg|gif|webp);base64,(.*)", re.DOTALL)
_SETTINGS = {
    "max_tokens": "maxTokens",
    "max_completion_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
}
_OWN = ("additionalModelRequestFields", "guardrailConfig", "performanceConfig", "requestMetadata")
"""Members in the interface's own words, which a target's parameters may hold."""
_CHOICES: dict[str, Block] = {"auto": {"auto": {}}, "required": {"any": {}}}


def body_of(request: ModelRequest, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request; *own* are the target's parameters. Raises `ModelRefused` for linked pictures."""
    asked = {**own, **request.parameters}
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        if message.get("role") in ("system", "developer"):
            system += _blocks(message.get("content"))
            continue
        role, blocks = _turn(message)
        if blocks and turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    body: dict[str, Any] = {"messages": turns}
    if system:
        body["system"] = system
    settings = {name: asked[word] for word, name in _SETTINGS.items() if asked.get(word) is not None}
    if asked.get("stop"):
        settings["stopSequences"] = [asked["stop"]] if isinstance(asked["stop"], str) else list(asked["stop"])
    if settings:
        body["inferenceConfig"] = settings
    body |= {name: asked[name] for name in _OWN if name in asked}
    if request.tools and asked.get("tool_choice") != "none":
        body["toolConfig"] = _tools(request.tools, asked.get("tool_choice"))
    return body


def _tools(tools: Sequence[Mapping[str, Any]], wanted: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"tools": [_declared(tool.get("function", {})) for tool in tools]}
    if isinstance(wanted, Mapping):
        config["toolChoice"] = {"tool": {"name": str(wanted.get("function", {}).get("name", ""))}}
    elif wanted in _CHOICES:
        config["toolChoice"] = _CHOICES[wanted]
    return config


def _declared(function: Mapping[str, Any]) -> Block:
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    spec: Block = {"name": function.get("name", ""), "inputSchema": {"json": schema}}
    if function.get("description"):
        spec["description"] = function["description"]
    return {"toolSpec": spec}


def _turn(message: Mapping[str, Any]) -> tuple[str, list[Block]]:
    if message.get("role") == "tool":
        content = list(_blocks(message.get("content"))) or [{"text": " "}]
        return "user", [{"toolResult": {"toolUseId": str(message.get("tool_call_id", "")), "content": content}}]
    blocks = list(_blocks(message.get("content")))
    if message.get("role") != "assistant":
        return "user", blocks
    return "assistant", [*blocks, *(_use(call) for call in message.get("tool_calls") or ())]


def _use(call: Mapping[str, Any]) -> Block:
    function = call.get("function", {})
    try:
        given = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        given = {}  # what the model wrote was no JSON; it was told so in the result
    used = {"toolUseId": str(call.get("id", "")), "name": str(function.get("name", ""))}
    return {"toolUse": {**used, "input": given if isinstance(given, dict) else {}}}


def _blocks(content: Any) -> Iterator[Block]:
    if isinstance(content, str):
        if content:
            yield {"text": content}
        return
    for part in content or ():
        if not isinstance(part, Mapping):
            continue
        if part.get("type") == "text" and part.get("text"):
            yield {"text": part["text"]}
        elif part.get("type") == "image_url":
            yield _picture(part.get("image_url"))


def _picture(image: Any) -> Block:
    url = str(image.get("url", "")) if isinstance(image, Mapping) else str(image)
    inline = _DATA.fullmatch(url)
    if inline is None:
        raise ModelRefused("the provider takes pictures only as they are, in PNG, JPEG, GIF or WebP, not by address")
    return {"image": {"format": inline[1], "source": {"bytes": inline[2]}}}
