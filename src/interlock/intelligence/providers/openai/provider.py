"""One model behind an OpenAI-compatible `/chat/completions` or `/embeddings`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, NoReturn

import orjson

from interlock.foundation.http import (
    EventReader,
    HttpFailure,
    HttpRequest,
    HttpResponse,
    HttpTimedOut,
    ResponseTooLarge,
    ResponseUnreadable,
)
from interlock.intelligence.gateway.embeddings import EmbeddingRequest, Embeddings
from interlock.intelligence.gateway.errors import (
    ModelBusy,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelRefused,
    ModelTimedOut,
    ModelUnreadable,
    ProviderFailure,
)
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender, Streamed, as_delta
from interlock.intelligence.providers.openai.replies import read_reply
from interlock.intelligence.providers.openai.rests import rest, retry_after
from interlock.intelligence.providers.openai.streams import Assembly
from interlock.intelligence.providers.openai.vectors import read_vectors
from interlock.values.secrets import Secret

EVENTS = "text/event-stream"
MOST_BYTES = 8 << 20
MOST_STREAMED = 64 << 20
MOST_EVENT = 1 << 20
MOST_VECTORS = 32 << 20
OWN = ("messages", "tools", "stream")
"""Members of the request that are no parameters."""


class OpenAiProvider:
    """Sends chat completions, streamed or not. Neither the key nor any text of a message is in an error."""

    name = "openai"

    def __init__(
        self,
        http: HttpSender,
        *,
        base_url: str,
        model: str,
        key: Callable[[], Secret | None],
        needs_key: bool = True,
        parameters: Mapping[str, Any] | None = None,
        connect: float = 0.0,
    ) -> None:
        self._http = http
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

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        sent = self._sent(request, {}, "application/json", timeout=timeout, max_bytes=MOST_BYTES)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise _failure_of(error) from error
        return self._whole(answer)

    async def warm(self, *, timeout: float) -> None:
        """Ask for the list of models, so that the address is known, a connection made, and the key tried."""
        headers = {"Accept": "application/json"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key.reveal()}"
        sent = HttpRequest("GET", f"{self._base}/models", headers, b"", timeout, MOST_BYTES, self._connect)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise _failure_of(error) from error
        if answer.status != 404 and answer.status >= 400:  # not every server has a list
            _raise_for(answer)

    async def embed(self, request: EmbeddingRequest, *, timeout: float) -> Embeddings:
        body = {**self._parameters, **request.parameters, "model": self._model, "input": request.inputs}
        sent = self._post(f"{self._base}/embeddings", body, "application/json", timeout=timeout, max_bytes=MOST_VECTORS)
        try:
            answer = await self._http.send(sent)
        except HttpFailure as error:
            raise _failure_of(error) from error
        if answer.status != 200:
            _raise_for(answer)
        vectors = read_vectors(answer.body, provider=self.name, model=self._model)
        return replace(vectors, rest=rest(answer.headers))

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return self._streamed(request, timeout, idle)

    async def _streamed(self, request: ModelRequest, timeout: float, idle: float) -> Streamed:
        """Usage is asked for whether or not the client wants it; `stream_options: null` in the target prevents that."""
        options = {"stream": True, "stream_options": {"include_usage": True}}
        sent = self._sent(request, options, EVENTS, timeout=timeout, max_bytes=MOST_STREAMED)
        assembly = Assembly(provider=self.name, model=self._model)
        try:
            async with self._http.stream(replace(sent, idle=idle)) as answer:
                if answer.status != 200 or answer.media_type != EVENTS:
                    reply = self._whole(await answer.whole())  # an error, or a server that does not stream
                    yield [as_delta(reply)]
                    yield reply
                    return
                reader, quiet = EventReader(MOST_EVENT), rest(answer.headers)
                async with aclosing(answer.parts()) as parts:
                    async for part in parts:
                        deltas = assembly.take(reader.feed(part))
                        if deltas:
                            yield deltas
                        if assembly.ended:
                            break
        except HttpFailure as error:
            raise _failure_of(error) from error
        if not assembly.ended and (reader.rest.strip() or not assembly.finished):
            raise ModelCutOff("the model server's answer broke off", why="its stream ended before the answer did")
        reply = assembly.reply()
        yield replace(reply, rest=quiet) if quiet else reply

    def _sent(
        self, request: ModelRequest, more: Mapping[str, Any], accept: str, *, timeout: float, max_bytes: int
    ) -> HttpRequest:
        asked = {name: value for name, value in request.parameters.items() if name not in OWN}
        body: dict[str, Any] = {**more, **self._parameters, **asked}
        body |= {"model": self._model, "messages": list(request.messages)}
        if request.tools:
            body["tools"] = list(request.tools)
        if "stream_options" in body and body["stream_options"] is None:
            del body["stream_options"]
        return self._post(self._url, body, accept, timeout=timeout, max_bytes=max_bytes)

    def _post(self, url: str, body: Mapping[str, Any], accept: str, *, timeout: float, max_bytes: int) -> HttpRequest:
        headers = {"Content-Type": "application/json", "Accept": accept}
        key = self._key()
        if key:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        return HttpRequest("POST", url, headers, orjson.dumps(body), timeout, max_bytes, self._connect)

    def _whole(self, answer: HttpResponse) -> ModelReply:
        if answer.status != 200:
            _raise_for(answer)
        reply = read_reply(answer.body, provider=self.name, model=self._model)
        quiet = rest(answer.headers)
        return replace(reply, rest=quiet) if quiet else reply


def _failure_of(error: HttpFailure) -> ProviderFailure:
    """Return what *error* says of the model server; only what it had not begun to answer may be asked again."""
    if isinstance(error, HttpTimedOut) and error.sent:
        return ModelTimedOut(f"the model server gave {error.what}")
    if isinstance(error, (ResponseTooLarge, ResponseUnreadable)):
        return ModelUnreadable(f"the model server's answer cannot be used: {error.what}")
    if error.begun:
        return ModelCutOff("the model server's answer broke off", why=error.why or error.what)
    return ModelFailed("the model server cannot be reached", why=error.why or error.what)


def _raise_for(answer: HttpResponse) -> NoReturn:
    """Raise what a status means. The body is not quoted: it may repeat the key or the messages."""
    status = answer.status
    if status == 429:
        raise ModelBusy("the model server has too many requests", status=status, **_wait(answer))
    if status in (408, 425) or status >= 500:
        raise ModelFailed(f"the model server answered with status {status}", status=status, **_wait(answer))
    if status in (401, 403):
        raise ModelDenied(
            "the model server does not accept the key", fix="see the target's `key` in models.yaml", status=status
        )
    if status == 404:
        fix = "see the target's `base_url` and `model` in models.yaml"
        raise ModelDenied("the model server does not know the address or the model", fix=fix, status=status)
    raise ModelRefused(f"the model server answered with status {status}", status=status)


def _wait(answer: HttpResponse) -> dict[str, Any]:
    seconds = retry_after(answer.headers)
    return {"retry_after": int(seconds) if seconds.is_integer() else seconds} if seconds > 0 else {}
