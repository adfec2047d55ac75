"""Chat completions as Gemini's `generateContent` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from interlock.intelligence.gateway.formats import RESPONSE_FORMAT
from interlock.intelligence.gateway.messages import ModelRequest

_DATA = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,(.*)", re.DOTALL)
_SETTINGS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
}
_OWN = ("generationConfig", "safetySettings", "cachedContent", "labels")
"""Members in the interface's own words, which a target's parameters may hold."""
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
"""How many tokens a model may think with, for each `reasoning_effort`; those of the interface for OpenAI's clients."""
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}

Part = dict[str, Any]


def body_of(request: ModelRequest, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request; *own* are the target's parameters, in the interface's own words or in OpenAI's."""
    asked = {**own, **request.parameters}
    system, contents = _conversation(request.messages)
    body: dict[str, Any] = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    body |= {name: asked[name] for name in _OWN if name in asked}
    settings = {**asked.get("generationConfig", {}), **_settings(asked)}
    if settings:
        body["generationConfig"] = settings
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_declared(tool) for tool in request.tools]}]
        choice = _choice(asked.get("tool_choice"))
        if choice:
            body["toolConfig"] = {"functionCallingConfig": choice}
    return body


def _settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: asked[word] for word, name in _SETTINGS.items() if asked.get(word) is not None}
    stops = asked.get("stop")
    if stops:
        settings["stopSequences"] = [stops] if isinstance(stops, str) else list(stops)
    budget = _BUDGETS.get(str(asked.get("reasoning_effort")))
    if budget is not None:
        settings["thinkingConfig"] = {"thinkingBudget": budget, "includeThoughts": budget > 0}
    wanted = asked.get(RESPONSE_FORMAT)
    if isinstance(wanted, Mapping) and wanted.get("type") in ("json_schema", "json_object"):
        settings["responseMimeType"] = "application/json"
        declared = wanted.get("json_schema")
        if isinstance(declared, Mapping) and isinstance(declared.get("schema"), Mapping):
            settings["responseJsonSchema"] = declared["schema"]
    return settings


def _declared(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function", {})
    declared: dict[str, Any] = {"name": function.get("name", "")}
    if function.get("description"):
        declared["description"] = function["description"]
    if function.get("parameters"):
        declared["parametersJsonSchema"] = function["parameters"]
    return declared


def _choice(wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, Mapping):
        return {"mode": "ANY", "allowedFunctionNames": [str(wanted.get("function", {}).get("name", ""))]}
    return {"mode": _MODES[wanted]} if wanted in _MODES else {}


def _conversation(messages: Sequence[Mapping[str, Any]]) -> tuple[list[Part], list[dict[str, Any]]]:
    """Return the instructions, and the contents: those of one role in a row are one there.

    A result is told by the name of the function, which chat completions tell only where it was called.
    """
    system: list[Part] = []
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system += _parts(message.get("content"))
            continue
        parts = list(_turn(message, names))
        if not parts:
            continue
        spoken = "model" if role == "assistant" else "user"
        if contents and contents[-1]["role"] == spoken:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": spoken, "parts": parts})
    return system, contents


def _turn(message: Mapping[str, Any], names: dict[str, str]) -> Iterator[Part]:
    if message.get("role") == "tool":
        call_id = str(message.get("tool_call_id", ""))
        result = "".join(part.get("text", "") for part in _parts(message.get("content")))
        yield {"functionResponse": {"id": call_id, "name": names.get(call_id, call_id), "response": _result(result)}}
        return
    yield from _parts(message.get("content"))
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        call_id, name = str(call.get("id", "")), str(function.get("name", ""))
        names[call_id] = name
        yield {"functionCall": {"id": call_id, "name": name, "args": _object(function.get("arguments"))}}


def _result(text: str) -> dict[str, Any]:
    """Return a result as an object, which it has to be there."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"output": text}
    return value if isinstance(value, dict) else {"output": value}


def _object(text: Any) -> dict[str, Any]:
    try:
        value = orjson.loads(text or "{}")
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}


def _parts(content: Any) -> Iterator[Part]:
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


def _picture(image: Any) -> Part:
    url = str(image.get("url", "")) if isinstance(image, Mapping) else str(image)
    inline = _DATA.fullmatch(url)
    if inline:
        return {"inlineData": {"mimeType": inline[1], "data": inline[2]}}
    return {"fileData": {"fileUri": url}}
