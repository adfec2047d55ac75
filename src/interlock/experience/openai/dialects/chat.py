"""OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.dialect import Rendering
from interlock.experience.openai.shapes import ChatRequest, call_json, chat_request
from interlock.intelligence.gateway import CallPart, Delta, Usage
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id

OWNER = "interlock"
DONE = b"data: [DONE]\n\n"
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Chat:
    """`/v1/chat/completions`."""

    path = "/v1/chat/completions"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes:
        return headers.get(b"authorization", b"")

    def request(self, body: Any) -> ChatRequest:
        return chat_request(body)

    def whole(self, answer: Completion) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.tool_calls:
            message["tool_calls"] = [call_json(call) for call in answer.tool_calls]
        elif not answer.text:
            message["content"] = ""
        extras = answer.extras
        choice = {"index": 0, "message": {**extras.message, **message}, "logprobs": None, **extras.choice}
        choice["finish_reason"] = answer.finish_reason
        head = {"id": new_id("chatcmpl"), "object": "chat.completion", "created": answer.created, "model": answer.model}
        return orjson.dumps({**extras.top, **head, "choices": [choice], "usage": usage_json(answer.usage)})

    def stream(self, request: ChatRequest, created: int) -> Rendering:
        return Chunks(request.model, created, include_usage=request.include_usage)

    def error(self, error: InterlockError) -> bytes:
        return error_body(error)

    def models(self, routes: Sequence[str], created: int) -> bytes:
        return orjson.dumps({"object": "list", "data": [_model(route, created) for route in routes]})

    def model(self, route: str, created: int) -> bytes:
        return orjson.dumps(_model(route, created))


class Chunks:
    """A stream of `chat.completion.chunk` events."""

    def __init__(self, model: str, created: int, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._head = {"id": new_id("chatcmpl"), "object": "chat.completion.chunk", "created": created, "model": model}
        opening = orjson.dumps(self._head)[:-1]
        self._before = b"data: " + opening + b',"choices":[{"index":0,"delta":{"content":'
        usage = b',"usage":null' if include_usage else b""
        self._after = b'},"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"
        self._begun = False

    def parts(self, deltas: Sequence[Delta]) -> bytes:
        events = [] if self._begun else [self._opening(deltas)]
        for delta in deltas:
            extras = delta.extras
            if not (delta.reasoning or delta.calls or extras.choice or extras.message):
                if delta.text:  # as nearly all are, so that it pays to write them without their frame
                    events.append(self._before + orjson.dumps(delta.text) + self._after)
                continue
            said: dict[str, Any] = {**extras.message}
            if delta.text:
                said["content"] = delta.text
            if delta.reasoning:
                said["reasoning_content"] = delta.reasoning
            if delta.calls:
                said["tool_calls"] = [_part(part) for part in delta.calls]
            events.append(self._event([{"logprobs": None, **extras.choice, **_choice(said, None)}]))
        return b"".join(events)

    def ending(self, answer: Completion) -> bytes:
        events = [] if self._begun else [self._opening(())]
        events.append(self._event([{"logprobs": None, **_choice({}, answer.finish_reason)}], answer.extras.top))
        if self._include_usage:
            last = {**answer.extras.top, **self._head, "choices": [], "usage": usage_json(answer.usage)}
            events.append(b"data: " + orjson.dumps(last) + b"\n\n")
        return b"".join(events) + DONE

    def broken(self, error: InterlockError) -> bytes:
        return b"data: " + error_body(error) + b"\n\n"

    def _opening(self, deltas: Sequence[Delta]) -> bytes:
        self._begun = True
        silent = not any(delta.text for delta in deltas)
        return self._event(
            [{"logprobs": None, **_choice({"role": "assistant", "content": None if silent else ""}, None)}]
        )

    def _event(self, choices: list[dict[str, Any]], more: Mapping[str, Any] | None = None) -> bytes:
        event = {**(more or {}), **self._head, "choices": choices}
        if self._include_usage:
            event["usage"] = None
        return b"data: " + orjson.dumps(event) + b"\n\n"


def error_body(error: InterlockError) -> bytes:
    """Return an error in OpenAI's shape, with our code; the message says what happened, why, and what to do."""
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    param = error.details.get("param") or None
    return orjson.dumps({"error": {"message": words(error), "type": kind, "code": error.code, "param": param}})


def words(error: InterlockError) -> str:
    """Return what an error says in one line."""
    parts = (error.what, f"({error.why})" if error.why else "", f"Hint: {error.fix}" if error.fix else "")
    return " ".join(part for part in parts if part)


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return what an answer took, in OpenAI's words."""
    counted: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
    if usage.reasoning_tokens:
        counted["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counted


def _choice(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _part(part: CallPart) -> dict[str, Any]:
    if not part.name:
        return {"index": part.index, "function": {"arguments": part.arguments}}
    function = {"name": part.name, "arguments": part.arguments}
    return {"index": part.index, "id": part.id, "type": "function", "function": function}


def _model(route: str, created: int) -> dict[str, Any]:
    return {"id": route, "object": "model", "created": created, "owned_by": OWNER}
