"""`/v1/responses`."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.chat import Chat
from interlock.experience.openai.dialects.responses.events import Events
from interlock.experience.openai.dialects.responses.items import finished, head, items
from interlock.experience.openai.dialects.responses.requests import request_of
from interlock.experience.openai.shapes import ChatRequest


class Responses(Chat):
    """The newer of OpenAI's interfaces; its errors, keys and models are those of chat completions."""

    path = "/v1/responses"

    def request(self, body: Any) -> ChatRequest:
        return request_of(body)

    def whole(self, answer: Completion) -> bytes:
        return orjson.dumps(finished(head(answer.model, answer.created), answer, items(answer)))

    def stream(self, request: ChatRequest, created: int) -> Events:
        return Events(request.model, created)
