"""One model behind `:generateContent`, or `:batchEmbedContents`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest, HttpResponse
from interlock.intelligence.gateway.embeddings import EmbeddingRequest, Embeddings
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender
from interlock.intelligence.providers.gemini.failures import raise_from
from interlock.intelligence.providers.gemini.replies import Assembly, read_content, read_vectors
from interlock.intelligence.providers.gemini.requests import body_of
from interlock.intelligence.providers.upstream import (
    EVENTS,
    JSON,
    MOST_BYTES,
    MOST_STREAMED,
    Key,
    Upstream,
    failure_of,
)

ADDRESS = "https://generativelanguage.googleapis.com/v1beta"
MOST_VECTORS = 32 << 20


class GeminiProvider(Upstream):
    """Sends contents, streamed or not. The key goes into a header, where no log of addresses has it."""

    name = "gemini"

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
        self.model = model
        self._named = f"models/{model.removeprefix('models/')}"
        self._base = f"{base_url.rstrip('/')}/{quote(self._named)}"
        self._key = key
        self.parameters = dict(parameters)
        self._connect = connect

    def missing(self) -> str:
        if not self.model:
            return "model is empty"
        return "" if self._key() else "the key is not set"

    async def embed(self, request: EmbeddingRequest, *, timeout: float) -> Embeddings:
        more = {"outputDimensionality": request.parameters["dimensions"]} if "dimensions" in request.parameters else {}
        asked = [{"model": self._named, "content": {"parts": [{"text": text}]}, **more} for text in request.inputs]
        body = orjson.dumps({"requests": asked})
        sent = self._post(":batchEmbedContents", body, JSON, timeout=timeout, most=MOST_VECTORS)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise failure_of(error) from error
        if answer.status != 200:
            self._fail(answer)
        return read_vectors(answer.body, model=self.model)

    def _sent(self, request: ModelRequest, *, streamed: bool, timeout: float) -> HttpRequest:
        body = orjson.dumps(body_of(request, self.parameters))
        if streamed:
            return self._post(":streamGenerateContent?alt=sse", body, EVENTS, timeout=timeout, most=MOST_STREAMED)
        return self._post(":generateContent", body, JSON, timeout=timeout, most=MOST_BYTES)

    def _post(self, verb: str, body: bytes, accept: str, *, timeout: float, most: int) -> HttpRequest:
        headers = {"Content-Type": JSON, "Accept": accept}
        key = self._key()
        if key:
            headers["x-goog-api-key"] = key.reveal()
        return HttpRequest("POST", f"{self._base}{verb}", headers, body, timeout, most, self._connect)

    def _fail(self, answer: HttpResponse) -> NoReturn:
        raise_from(answer)

    def _read(self, body: bytes) -> ModelReply:
        return read_content(body, model=self.model)

    def _assembly(self) -> Assembly:
        return Assembly(self.model)
