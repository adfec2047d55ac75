"""Calls of routes, each metered: what it may cost is reserved before, and settled with the record of the call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.foundation.telemetry import Span, Telemetry
from interlock.governance.journal import Entry, Journal
from interlock.intelligence.gateway import (
    Answers,
    EmbeddingRequest,
    Embeddings,
    Gateway,
    ModelReply,
    ModelRequest,
    Route,
    Usage,
)
from interlock.intelligence.usage import Answer, MeteredCall, Metering
from interlock.orchestration.project import Projects


class Metered:
    """Calls the routes of the active project; when they change, calls under way end on the ones they began with."""

    def __init__(self, projects: Projects, journal: Journal, metering: Metering, telemetry: Telemetry) -> None:
        self._projects = projects
        self._journal = journal
        self._metering = metering
        self._telemetry = telemetry
        self._gateway = Gateway(projects.current.routes)
        self._routes: Mapping[str, Route] = projects.current.routes

    def routes(self) -> Mapping[str, Route]:
        """Return the routes of the active project."""
        return self._projects.current.routes

    async def told(self, call: Mapping[str, Any]) -> None:
        """Record an answer that came from no model, in the form of `OnModelCall`."""
        await self._called(None, call)

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Call the route."""
        gateway = self._active()
        with self._telemetry.chat(route, provider="interlock") as span:
            async with self._metered(route, request) as call:
                reply = await gateway.complete(route, request, partial(self._called, call))
            _tell(span, reply)
            return replace(reply, cost=call.cost) if call is not None else reply

    async def stream(self, route: str, request: ModelRequest) -> Answers:
        """Call the route, and yield the answer as it comes."""
        gateway = self._active()
        with self._telemetry.chat(route, provider="interlock") as span:
            reply: ModelReply | None = None
            async with (
                self._metered(route, request) as call,
                aclosing(gateway.stream(route, request, partial(self._called, call))) as pieces,
            ):
                async for piece in pieces:
                    if isinstance(piece, ModelReply):
                        reply = piece
                    else:
                        yield piece
            if reply is not None:
                _tell(span, reply)
                yield replace(reply, cost=call.cost) if call is not None else reply

    async def embed(self, route: str, request: EmbeddingRequest) -> Embeddings:
        """Call the route for vectors."""
        gateway = self._active()
        with self._telemetry.chat(route, provider="interlock") as span:
            async with self._metered(route, request) as call:
                reply = await gateway.embed(route, request, partial(self._called, call))
            _tell(span, reply)
            return replace(reply, cost=call.cost) if call is not None else reply

    def _active(self) -> Gateway:
        routes = self._projects.current.routes
        if routes is not self._routes:
            self._routes, self._gateway = routes, self._gateway.with_routes(routes)
        return self._gateway

    @asynccontextmanager
    async def _metered(self, route: str, request: ModelRequest) -> AsyncIterator[MeteredCall | None]:
        """Reserve before, and see to it that nothing stays reserved after; `_called` settles in between."""
        known = self._routes.get(route)
        if known is None or known.kind is not request.kind:
            yield None
            return
        call = await self._metering.begin(known, request)
        try:
            yield call
        except BaseException as error:
            await call.close(error)
            raise
        else:
            await call.close(None)

    async def _called(self, metered: MeteredCall | None, call: Mapping[str, Any]) -> None:
        body, fields = dict(call["body"]), dict(call["fields"])
        session = str(body.pop("session", ""))
        entry = Entry(
            kind=call.get("kind", "model.called"),
            tenant=str(body.pop("tenant", "")),
            subject=session,
            session=session,
            actor=str(body.pop("actor", "")),
            body=body,
            fields=fields,
        )
        if metered is None or entry.kind != "model.called":
            await self._journal.record([entry])
            return
        usage = Usage(**body.get("usage", {}))
        answer = Answer(str(body["outcome"]), str(body["provider"]), str(body["model"]), usage)
        await metered.record(entry, answer)


def _tell(span: Span, reply: ModelReply) -> None:
    span.set("gen_ai.provider.name", reply.provider)
    span.set("gen_ai.response.model", reply.model)
    span.set("gen_ai.usage.input_tokens", reply.usage.input_tokens)
    span.set("gen_ai.usage.output_tokens", reply.usage.output_tokens)
