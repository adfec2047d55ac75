"""Latency budgets: where a route has not begun to answer in time, what its use case allows instead, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from interlock.foundation.telemetry import Metrics
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced, money_text
from interlock.intelligence.gateway import (
    Answering,
    Answers,
    Attempt,
    ModelReply,
    ModelRequest,
    Route,
    RouteBroken,
    RouteExhausted,
    RouteSlow,
)
from interlock.intelligence.gateway.latency import AnotherRoute, KeptAnswer, Latency, Resort
from interlock.intelligence.gateway.records import on_behalf_of
from interlock.orchestration.models.caching import Caching, Told, at_once

DEGRADED = "model.degraded"
COUNTED = "interlock_model_degraded_total"
PREPARED = "prepared"
OURS = "interlock"


class Stand(Protocol):
    """What stands in for a route."""

    @property
    def word(self) -> str:
        """What it is called in the header and the record."""
        ...

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Return its answer. Raises `RouteExhausted` where it has none."""
        ...

    def stream(self, request: ModelRequest) -> Answers:
        """Yield its answer. Raises `RouteExhausted`, before anything was yielded, where it has none."""
        ...


class Elsewhere:
    """Another route."""

    def __init__(self, answers: Caching, route: str) -> None:
        self._answers = answers
        self._route = route
        self.word = f"route:{route}"

    async def complete(self, request: ModelRequest) -> ModelReply:
        return await self._answers.complete(self._route, request)

    def stream(self, request: ModelRequest) -> Answers:
        return self._answers.stream(self._route, request)


class Old:
    """The answer that is kept of the same request, whatever its age."""

    word = "cached"

    def __init__(self, answers: Caching, route: str) -> None:
        self._answers = answers
        self._route = route

    async def complete(self, request: ModelRequest) -> ModelReply:
        kept = await self._answers.old(self._route, request)
        if kept is None:
            raise RouteExhausted("no answer is kept of this request")
        return kept

    async def stream(self, request: ModelRequest) -> Answers:
        async for piece in at_once(await self.complete(request)):
            yield piece


class Prepared:
    """Words that were written before."""

    word = PREPARED

    def __init__(self, text: str) -> None:
        self._text = text

    async def complete(self, request: ModelRequest) -> ModelReply:
        del request
        attempt = Attempt(f"{OURS}:{PREPARED}", PREPARED)
        return ModelReply(
            self._text, (), OURS, PREPARED, finish="stop", reported=PREPARED, attempts=(attempt,), cost=money_text(0)
        )

    async def stream(self, request: ModelRequest) -> Answers:
        async for piece in at_once(await self.complete(request)):
            yield piece


class Degrading:
    """Answers within the latency budgets of routes that declare any."""

    def __init__(
        self, answers: Caching, routes: Callable[[], Mapping[str, Route]], told: Told, metrics: Metrics
    ) -> None:
        self._answers = answers
        self._routes = routes
        self._told = told
        self._metrics = metrics

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the answer of *route*, or the first that will do where it has not come in time.

        Raises as `Turns.complete` does, and `RouteSlow`.
        """
        latency = self._of(route, request)
        if latency is None:
            return await self._answers.complete(route, request)
        began = asyncio.get_running_loop().time()
        try:
            return await self._answers.complete(route, replace(request, begin_by=began + latency.wait))
        except RouteExhausted as error:
            late = _allowing(error)
        for stand, limited in self._stands(latency, route, request, began):
            try:
                reply = await stand.complete(limited)
            except (RouteExhausted, BudgetExceeded, BudgetUnpriced):
                continue  # the next is tried, and the first reason is the one that is told
            await self._say(latency, route, request, late, stand)
            return replace(reply, degraded=stand.word)
        raise late

    async def stream(self, route: str, request: ModelRequest) -> Answers:
        """Yield the same answer as it comes. Nobody stands in for one that has begun."""
        latency = self._of(route, request)
        if latency is None:
            async with aclosing(self._answers.stream(route, request)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        began, begun = asyncio.get_running_loop().time(), False
        try:
            limited = replace(request, begin_by=began + latency.wait)
            async with aclosing(self._answers.stream(route, limited)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
            return
        except RouteExhausted as error:
            if begun:
                raise
            late = _allowing(error)
        for stand, limited in self._stands(latency, route, request, began):
            try:
                async with aclosing(stand.stream(limited)) as pieces:
                    async for piece in pieces:
                        if not begun:
                            begun = True
                            await self._say(latency, route, request, late, stand)
                        if isinstance(piece, (Answering, ModelReply)):
                            yield replace(piece, degraded=stand.word)
                        else:
                            yield piece
                return
            except (RouteExhausted, BudgetExceeded, BudgetUnpriced):
                if begun:
                    raise
        raise late

    def _of(self, route: str, request: ModelRequest) -> Latency | None:
        found = self._routes().get(route)
        return found.latency.of(str(request.metadata.get("use_case", ""))) if found is not None else None

    def _stands(
        self, latency: Latency, route: str, request: ModelRequest, began: float
    ) -> Iterator[tuple[Stand, ModelRequest]]:
        """Yield what stands in, each with the request as it is asked: other routes share what is left of the budget."""
        routes, end = latency.routes, began + latency.budget
        for resort in latency.then:
            if not isinstance(resort, AnotherRoute):
                yield self._stand(resort, route), request
                continue
            now = asyncio.get_running_loop().time()
            if now < end:
                yield self._stand(resort, route), replace(request, begin_by=now + (end - now) / routes)
            routes -= 1

    def _stand(self, resort: Resort, route: str) -> Stand:
        if isinstance(resort, AnotherRoute):
            return Elsewhere(self._answers, resort.route)
        return Old(self._answers, route) if isinstance(resort, KeptAnswer) else Prepared(resort.text)

    async def _say(
        self, latency: Latency, route: str, request: ModelRequest, late: RouteExhausted, stand: Stand
    ) -> None:
        """Put on record that an answer is not the route's own."""
        self._metrics.count(COUNTED, route, stand.word)
        body: dict[str, Any] = {"route": route, "because": late.code, "by": stand.word, **on_behalf_of(request)}
        body["budget_ms"] = round(latency.budget * 1000, 3)
        await self._told({"kind": DEGRADED, "body": body, "fields": {}})


def _allowing(error: RouteExhausted) -> RouteExhausted:
    """Return *error* where something may stand in after it; raise it where that would go around a refusal or a hold."""
    if isinstance(error, RouteSlow) or (error.transient and not isinstance(error, RouteBroken)):
        return error
    raise error
