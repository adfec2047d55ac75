"""`/v1/messages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.messages.events import Events
from interlock.experience.openai.dialects.messages.requests import request_of
from interlock.experience.openai.dialects.messages.shapes import blocks, error_json, stop_reason, usage_json
from interlock.experience.openai.shapes import ChatRequest
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id


class Messages:
    """Anthropic's interface of models, version 2023-06-01."""

    path = "/v1/messages"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes:
        key = headers.get(b"x-api-key")
        return b"Bearer " + key if key else headers.get(b"authorization", b"")

    def request(self, body: Any) -> ChatRequest:
        return request_of(body)

    def whole(self, answer: Completion) -> bytes:
        message: dict[str, Any] = {"id": new_id("msg"), "type": "message", "role": "assistant", "model": answer.model}
        message |= {"content": blocks(answer), "stop_reason": stop_reason(answer), "stop_sequence": None}
        return orjson.dumps({**message, "usage": usage_json(answer.usage)})

    def stream(self, request: ChatRequest, created: int) -> Events:
        del created
        return Events(request.model)

    def error(self, error: InterlockError) -> bytes:
        return orjson.dumps(error_json(error))

    def models(self, routes: Sequence[str], created: int) -> bytes:
        ends = {"first_id": routes[0], "last_id": routes[-1]} if routes else {"first_id": None, "last_id": None}
        return orjson.dumps({"data": [_model(route, created) for route in routes], "has_more": False, **ends})

    def model(self, route: str, created: int) -> bytes:
        return orjson.dumps(_model(route, created))


def _model(route: str, created: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": route, "display_name": route, "created_at": at}
