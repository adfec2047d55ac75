"""The two ways in which a completion asks its model: for the whole answer, or for what comes of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from interlock.experience.openai.exchange import Exchange
from interlock.intelligence.gateway import Answering, Delta, ModelReply, ModelRequest
from interlock.orchestration.models import Models

Replies = AsyncGenerator[Sequence[Delta] | ModelReply, None]


class Asking(Protocol):
    """A way of asking."""

    def ask(self, route: str, request: ModelRequest, exchange: Exchange) -> Replies:
        """Yield what is to be passed on before the reply is whole, then the reply; *exchange* is told who gives it.

        Raises as `Models.complete` and `Models.stream` do.
        """
        ...


class InOnePiece:
    """Nothing is passed on before the reply."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def ask(self, route: str, request: ModelRequest, exchange: Exchange) -> Replies:
        reply = await self._models.complete(route, request)
        exchange.answering(f"{reply.provider}:{reply.model}", reply.asked)
        exchange.kept(reply.cache, reply.degraded)
        exchange.paid(reply.cost)
        yield reply


class InParts:
    """What comes is passed on."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def ask(self, route: str, request: ModelRequest, exchange: Exchange) -> Replies:
        async with aclosing(self._models.stream(route, request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answering):
                    exchange.answering(f"{piece.provider}:{piece.model}", piece.attempts)
                    exchange.kept(piece.cache, piece.degraded)
                    continue
                if isinstance(piece, ModelReply):
                    exchange.paid(piece.cost)
                yield piece
