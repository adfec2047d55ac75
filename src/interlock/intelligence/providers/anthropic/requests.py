"""Chat completions as Anthropic's Messages interface writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from interlock.intelligence.gateway.formats import RESPONSE_FORMAT
from interlock.intelligence.gateway.messages import ModelRequest

USUAL_TOKENS = 4096
"""`max_tokens` must be given there; this is what is, where neither request nor target says."""

_DATA = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,(.*)", re.DOTALL)
_PASSED_ON = ("temperature", "top_p", "top_k", "thinking", "service_tier", "metadata", "cache_control", "container")
_EFFORTS = {"minimal": "low", "none": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}

Block = dict[str, Any]


def body_of(request: ModelRequest, model: str, own: Mapping[str, Any], *, streamed: bool) -> dict[str, Any]:
    """Return the body of a request; *own* are the target's parameters, in the interface's own words or in OpenAI's."""
    asked = {**own, **request.parameters}
    system, messages = _conversation(request.messages)
    body: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": _tokens(asked)}
    if system:
        body["system"] = system
    body |= {name: asked[name] for name in _PASSED_ON if asked.get(name) is not None}
    stops = asked.get("stop_sequences", asked.get("stop"))
    if stops:
        body["stop_sequences"] = [stops] if isinstance(stops, str) else list(stops)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        choice = _choice(asked.get("tool_choice"), parallel=asked.get("parallel_tool_calls"))
        if choice:
            body["tool_choice"] = choice
    output = _output(asked)
    if output:
        body["output_config"] = output
    if "user" in asked and "metadata" not in body:
        body["metadata"] = {"user_id": str(asked["user"])}
    if streamed:
        body["stream"] = True
    return body


def _tokens(asked: Mapping[str, Any]) -> int:
    found = asked.get("max_completion_tokens") or asked.get("max_tokens")
    return found if isinstance(found, int) else USUAL_TOKENS


def _output(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return `output_config`: the schema that the answer must fit, and how much effort it is worth."""
    output = dict(asked.get("output_config") or {})
    wanted = asked.get(RESPONSE_FORMAT)
    declared = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if isinstance(declared, Mapping) and isinstance(declared.get("schema"), Mapping):
        output["format"] = {"type": "json_schema", "schema": declared["schema"]}
    effort = _EFFORTS.get(str(asked.get("reasoning_effort")))
    if effort:
        output.setdefault("effort", effort)
    return output


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function", {})
    declared: dict[str, Any] = {
        "name": function.get("name", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        declared["description"] = function["description"]
    return declared


def _choice(wanted: Any, *, parallel: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {}
    if isinstance(wanted, Mapping):
        choice = {"type": "tool", "name": str(wanted.get("function", {}).get("name", ""))}
    elif wanted in ("auto", "none", "required"):
        choice = {"type": "any" if wanted == "required" else wanted}
    if parallel is False and choice.get("type") != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def _conversation(messages: Sequence[Mapping[str, Any]]) -> tuple[list[Block], list[dict[str, Any]]]:
    """Return the instructions, and the messages: of one role in a row they are one message there."""
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.get("role") in ("system", "developer"):
            system += _blocks(message.get("content"))
            continue
        role, blocks = _turn(message)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return system, turns


def _turn(message: Mapping[str, Any]) -> tuple[str, list[Block]]:
    if message.get("role") == "tool":
        result: Block = {"type": "tool_result", "tool_use_id": str(message.get("tool_call_id", ""))}
        return "user", [{**result, "content": list(_blocks(message.get("content")))}]
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
    name = str(function.get("name", ""))
    return {
        "type": "tool_use",
        "id": str(call.get("id", "")),
        "name": name,
        "input": given if _is_object(given) else {},
    }


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _blocks(content: Any) -> Iterator[Block]:
    """Yield the blocks of a message's content; the interface takes no empty text."""
    if isinstance(content, str):
        if content:
            yield {"type": "text", "text": content}
        return
    for part in content or ():
        if not isinstance(part, Mapping):
            continue
        if part.get("type") == "text" and part.get("text"):
            yield {"type": "text", "text": part["text"]}
        elif part.get("type") == "image_url":
            yield {"type": "image", "source": _source(part.get("image_url"))}


def _source(image: Any) -> dict[str, Any]:
    url = str(image.get("url", "")) if isinstance(image, Mapping) else str(image)
    inline = _DATA.fullmatch(url)
    if inline:
        return {"type": "base64", "media_type": inline[1], "data": inline[2]}
    return {"type": "url", "url": url}
