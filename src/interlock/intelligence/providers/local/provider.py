"""One model from a file, asked as any server of OpenAI's interface is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from interlock.intelligence.gateway.errors import ModelBusy
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender, Streamed
from interlock.intelligence.providers.local.engine import Engine
from interlock.intelligence.providers.openai.provider import OpenAiProvider


class LocalProvider:
    """Answers one call after the other; at most *queue* are under way or wait, more are told that it is busy."""

    name = "local"

    def __init__(self, engine: Engine, http: HttpSender, *, parameters: Mapping[str, Any], queue: int) -> None:
        self._engine = engine
        self._http = http
        self._parameters = dict(parameters)
        self._queue = queue
        self._under_way = 0

    @property
    def model(self) -> str:
        return self._engine.weights.name

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self._parameters

    def missing(self) -> str:
        return self._engine.missing()

    async def warm(self, *, timeout: float) -> None:
        del timeout  # what is loading cannot be stopped; nobody waits for it longer than that
        await self._engine.address()

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        with self._place():
            reply = await (await self._server()).complete(request, timeout=timeout)
            return replace(reply, provider=self.name)

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return self._streamed(request, timeout, idle)

    async def _streamed(self, request: ModelRequest, timeout: float, idle: float) -> Streamed:
        with self._place():
            server = await self._server()
            async with aclosing(server.stream(request, timeout=timeout, idle=idle)) as pieces:
                async for piece in pieces:
                    yield replace(piece, provider=self.name) if isinstance(piece, ModelReply) else piece

    async def _server(self) -> OpenAiProvider:
        return OpenAiProvider(
            self._http,
            base_url=await self._engine.address(),
            model=self.model,
            key=lambda: self._engine.key,
            parameters=self._parameters,
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._under_way >= self._queue:
            raise ModelBusy("the local model has as many calls as may wait for it", fix="raise the target's `queue`")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
