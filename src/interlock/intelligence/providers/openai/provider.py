"""One model behind an OpenAI-compatible `/chat/completions` or `/embeddings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.intelligence.gateway.embeddings import EmbeddingRequest, Embeddings
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender
from interlock.intelligence.providers.openai.replies import read_reply
from interlock.intelligence.providers.openai.streams import Assembly
from interlock.intelligence.providers.openai.vectors import read_vectors
from interlock.intelligence.providers.rests import rest
from interlock.intelligence.providers.upstream import (
    EVENTS,
    JSON,
    MOST_BYTES,
    MOST_STREAMED,
    Key,
    Upstream,
    failure_of,
    raise_for,
)

MOST_VECTORS = 32 << 20
OWN = ("messages", "tools", "stream")
"""Members of the request that are no parameters."""


class OpenAiProvider(Upstream):
    """Sends chat completions, streamed or not. Neither the key nor any text of a message is in an error."""

    name = "openai"

    def __init__(
        self,
        http: HttpSender,
        *,
        base_url: str,
        model: str,
        key: Key,
        needs_key: bool = True,
        parameters: Mapping[str, Any] | None = None,
        connect: float = 0.0,
    ) -> None:
        super().__init__(http)
        self._base = base_url.rstrip("/")
        self._url = f"{self._base}/chat/completions" if base_url else ""
        self._model = model
        self._key = key
        self._needs_key = needs_key
        self._parameters = dict(parameters or {})
        self._connect = connect

    @property
    def model(self) -> str:
        return self._model

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self._parameters

    def missing(self) -> str:
        if not self._url:
            return "base_url is empty"
        if not self._model:
            return "model is empty"
        return "the key is not set" if self._needs_key and not self._key() else ""

    async def warm(self, *, timeout: float) -> None:
        """Ask for the list of models, so that the address is known, a connection made, and the key tried."""
        headers = {"Accept": JSON}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key.reveal()}"
        sent = HttpRequest("GET", f"{self._base}/models", headers, b"", timeout, MOST_BYTES, self._connect)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise failure_of(error) from error
        if answer.status != 404 and answer.status >= 400:  # not every server has a list
            raise_for(answer)

    async def embed(self, request: EmbeddingRequest, *, timeout: float) -> Embeddings:
        body = {**self._parameters, **request.parameters, "model": self._model, "input": request.inputs}
        sent = self._post(f"{self._base}/embeddings", body, JSON, timeout=timeout, max_bytes=MOST_VECTORS)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise failure_of(error) from error
        if answer.status != 200:
            raise_for(answer)
        vectors = read_vectors(answer.body, provider=self.name, model=self._model)
        return replace(vectors, rest=rest(answer.headers))

    def _sent(self, request: ModelRequest, *, streamed: bool, timeout: float) -> HttpRequest:
        # Usage is asked for whether or not the client wants it; `stream_options: null` in the target prevents that.
        more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
        asked = {name: value for name, value in request.parameters.items() if name not in OWN}
        body: dict[str, Any] = {**more, **self._parameters, **asked}
        body |= {"model": self._model, "messages": list(request.messages)}
        if request.tools:
            body["tools"] = list(request.tools)
        if "stream_options" in body and body["stream_options"] is None:
            del body["stream_options"]
        accept, most = (EVENTS, MOST_STREAMED) if streamed else (JSON, MOST_BYTES)
        return self._post(self._url, body, accept, timeout=timeout, max_bytes=most)

    def _post(self, url: str, body: Mapping[str, Any], accept: str, *, timeout: float, max_bytes: int) -> HttpRequest:
        headers = {"Content-Type": JSON, "Accept": accept}
        key = self._key()
        if key:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        return HttpRequest("POST", url, headers, orjson.dumps(body), timeout, max_bytes, self._connect)

    def _read(self, body: bytes) -> ModelReply:
        return read_reply(body, provider=self.name, model=self._model)

    def _assembly(self) -> Assembly:
        return Assembly(provider=self.name, model=self._model)
