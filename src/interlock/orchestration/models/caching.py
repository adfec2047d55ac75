"""Kept answers before the models: whoever asks what was answered before gets that, and it is recorded as such."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import perf_counter
from typing import Any, Protocol

from interlock.foundation.telemetry import Metrics
from interlock.foundation.telemetry.overhead import waited
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced, money_text
from interlock.intelligence.cache import Cache, Kept, Place
from interlock.intelligence.gateway import (
    Answering,
    Answers,
    Attempt,
    Delta,
    EmbeddingRequest,
    Embeddings,
    ModelReply,
    ModelRequest,
    ProviderFailure,
    Route,
    RouteExhausted,
    RouteSlow,
    RouteUnfit,
    RouteUnknown,
    Usage,
    as_delta,
    embedding_request,
    numbers,
)
from interlock.intelligence.gateway.records import on_behalf_of

CACHED = "cached"
HIT, MISS, STALE, ALIKE = "hit", "miss", "stale", "alike"
COUNTED = "interlock_model_cache_total"

Told = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Told of an answer that came from no model, as `OnModelCall` is of those that did."""


class Models(Protocol):
    """Models by their routes."""

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return an answer. Raises as `Turns.complete`."""
        ...

    def stream(self, route: str, request: ModelRequest) -> Answers:
        """Yield an answer as it comes. Raises as `Turns.stream`."""
        ...

    async def embed(self, route: str, request: EmbeddingRequest) -> Embeddings:
        """Return vectors. Raises as `Turns.embed`."""
        ...


class Caching:
    """Models with the kept answers of routes that declare a cache before them."""

    def __init__(
        self, models: Models, routes: Callable[[], Mapping[str, Route]], cache: Cache, told: Told, metrics: Metrics
    ) -> None:
        self._models = models
        self._routes = routes
        self._cache = cache
        self._told = told
        self._metrics = metrics

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the kept answer, or that of a model; the same request is asked once at a time."""
        place = self._cache.place(self._routes(), route, request)
        if place is None:
            return await self._models.complete(route, request)
        kept = place.kept() or await _waiting_for(place, request)
        if kept is not None:
            return await self._given(route, request, kept)
        with place.asking():
            kept = await self._like(route, place, request)
            if kept is not None:
                return await self._given(route, request, kept)
            self._metrics.count(COUNTED, route, MISS)
            reply = await self._models.complete(route, request)
            place.keep(reply)
        return replace(reply, cache=MISS)

    async def stream(self, route: str, request: ModelRequest) -> Answers:
        """Yield the kept answer all at once, or that of a model as it comes."""
        place = self._cache.place(self._routes(), route, request)
        if place is None:
            async with aclosing(self._models.stream(route, request)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        kept = place.kept() or await self._like(route, place, request)
        if kept is not None:
            async for piece in at_once(await self._given(route, request, kept)):
                yield piece
            return
        self._metrics.count(COUNTED, route, MISS)
        async with aclosing(self._models.stream(route, request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ModelReply):
                    place.keep(piece)
                    yield replace(piece, cache=MISS)
                else:
                    yield replace(piece, cache=MISS) if isinstance(piece, Answering) else piece

    async def old(self, route: str, request: ModelRequest) -> ModelReply | None:
        """Return the answer that is kept for *request*, even where it is too old to be given otherwise."""
        place = self._cache.place(self._routes(), route, request)
        kept = place.kept(stale=True) if place is not None else None
        return await self._given(route, request, kept, STALE) if kept is not None else None

    async def _like(self, route: str, place: Place, request: ModelRequest) -> Kept | None:
        """Return the answer to a like question. Where no vector can be had, there is none: the model is asked."""
        plan = self._routes()[route].cache
        if place.question is None or plan is None or plan.semantic is None:
            return None
        parameters = {"encoding_format": "float"}
        asked = embedding_request([place.question.words], metadata=request.metadata, parameters=parameters)
        asked = replace(asked, begin_by=request.begin_by)
        try:
            made = await self._models.embed(plan.semantic.route, asked)
            return place.like(numbers(made.vectors[0]))
        except (RouteExhausted, RouteUnknown, RouteUnfit, ProviderFailure, BudgetExceeded, BudgetUnpriced):
            return None

    async def _given(self, route: str, request: ModelRequest, kept: Kept, how: str = HIT) -> ModelReply:
        """Return the kept answer as one that took nothing, and see to it that this is on record."""
        exact = kept.alike >= 1.0
        self._metrics.count(COUNTED, route, how if exact or how is not HIT else ALIKE)
        attempt = Attempt(f"{kept.reply.provider}:{kept.reply.model}", CACHED)
        reply = replace(kept.reply, usage=Usage(), attempts=(attempt,), cost=money_text(0), cache=HIT)
        counts, fields = request.recorded()
        named, said = reply.recorded()
        body = {"route": route, "outcome": CACHED, **on_behalf_of(request), "age_s": round(kept.age, 3)}
        body |= {"provider": reply.provider, "model": reply.model, "usage": reply.usage.to_json(), "cost": reply.cost}
        if not exact:
            body["alike"] = round(kept.alike, 4)
        await self._told({"body": {**body, **counts, **named}, "fields": {**fields, **said}})
        return reply


async def _waiting_for(place: Place, request: ModelRequest) -> Kept | None:
    """Return what the same request comes to that is being asked. Raises `RouteSlow` where that takes too long."""
    began = perf_counter()
    try:
        async with asyncio.timeout_at(request.begin_by):
            return await place.awaited()
    except TimeoutError as error:
        raise RouteSlow(
            "the same request was being asked, and was not answered in time", fix=RouteSlow.fixed_by
        ) from error
    finally:
        waited((perf_counter() - began) * 1000)


async def at_once(reply: ModelReply) -> AsyncGenerator[Answering | Sequence[Delta] | ModelReply, None]:
    """Yield a whole answer as a stream."""
    yield Answering(reply.target, reply.provider, reply.model, reply.asked, reply.cache, reply.degraded)
    yield [as_delta(reply)]
    yield reply
