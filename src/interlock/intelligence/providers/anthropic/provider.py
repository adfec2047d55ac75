"""One model behind `/v1/messages`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from interlock.foundation.clock import parse_rfc3339
from interlock.foundation.http import HttpRequest
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender
from interlock.intelligence.providers.anthropic.replies import Assembly, read_message
from interlock.intelligence.providers.anthropic.requests import body_of
from interlock.intelligence.providers.upstream import EVENTS, JSON, MOST_BYTES, MOST_STREAMED, Key, Upstream

VERSION = "2023-06-01"
"""The version of the interface, as `anthropic-version` names it."""
ADDRESS = "https://api.anthropic.com"


class AnthropicProvider(Upstream):
    """Sends messages, streamed or not."""

    name = "anthropic"

    def __init__(
        self,
        http: HttpSender,
        *,
        base_url: str,
        model: str,
        key: Key,
        parameters: Mapping[str, Any],
        connect: float = 0.0,
    ) -> None:
        super().__init__(http)
        self._url = f"{base_url.rstrip('/')}/v1/messages"
        self.model = model
        self._key = key
        self.parameters = dict(parameters)
        self._connect = connect

    def missing(self) -> str:
        if not self.model:
            return "model is empty"
        return "" if self._key() else "the key is not set"

    def _sent(self, request: ModelRequest, *, streamed: bool, timeout: float) -> HttpRequest:
        headers = {"Content-Type": JSON, "Accept": EVENTS if streamed else JSON, "anthropic-version": VERSION}
        key = self._key()
        if key:
            headers["x-api-key"] = key.reveal()
        body = orjson.dumps(body_of(request, self.model, self.parameters, streamed=streamed))
        most = MOST_STREAMED if streamed else MOST_BYTES
        return HttpRequest("POST", self._url, headers, body, timeout, most, self._connect)

    def _read(self, body: bytes) -> ModelReply:
        return read_message(body, model=self.model)

    def _assembly(self) -> Assembly:
        return Assembly(self.model)

    def _quiet(self, headers: Mapping[str, str]) -> float:
        """Return the seconds until what the server tells to be used up is back."""
        until = 0.0
        for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
            if headers.get(f"anthropic-ratelimit-{kind}-remaining", "").strip() != "0":
                continue
            try:
                until = max(until, parse_rfc3339(headers.get(f"anthropic-ratelimit-{kind}-reset", "")))
            except ValueError:
                continue
        return max(0.0, until - datetime.now(UTC).timestamp()) if until else 0.0
