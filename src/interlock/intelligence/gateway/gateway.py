"""The gateway: calls the first target of a route that can answer, and reports every call."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from interlock.foundation.telemetry.overhead import waited
from interlock.intelligence.gateway.errors import ModelTimedOut, ProviderFailure, RouteExhausted, RouteUnknown
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.routes import Route, RouteTarget

OnModelCall = Callable[[dict[str, Any]], Awaitable[None]]
"""Told of each call to a provider: `{"body": ..., "fields": ...}`.

*body* has ids, names, counts and times alone: route, provider, model, outcome (`ok` or an error's code),
attempt, usage, elapsed_ms, messages and tools (how many), tool_calls (names), and the request's metadata.
*fields* has what was said: `messages` and `reply`, and the request's own `parameters` if it has any.
"""

METADATA = ("session", "agent", "tenant", "actor", "label")
"""What of a request's metadata is recorded with the call; *label* is that of all that the messages say."""


class Gateway:
    """Named routes to models. Immutable; a changed project gets a new one."""

    def __init__(self, routes: Mapping[str, Route], *, on_model_call: OnModelCall | None = None) -> None:
        self._routes = dict(routes)
        self._on_model_call = on_model_call

    @property
    def routes(self) -> Mapping[str, Route]:
        """The routes by name."""
        return self._routes

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the answer of the route's first target that gives one.

        Targets that are not configured are passed over; one that fails is followed by the next, within the
        route's time limit. Raises `RouteUnknown` or `RouteExhausted`.
        """
        found = self._routes.get(route)
        if found is None:
            raise route_unknown(route, self._routes)
        deadline = time.monotonic() + found.timeout
        failures: list[dict[str, str]] = []
        for attempt, target in enumerate(found.targets, start=1):
            name = f"{target.provider.name}:{target.provider.model}"
            missing = target.provider.missing()
            if missing:
                failures.append({"target": name, "why": "not configured: " + missing})
                continue
            limit = min(target.timeout, deadline - time.monotonic())
            if limit <= 0:
                failures.append({"target": name, "why": "no time was left"})
                break
            try:
                return await self._attempt(found, target, request, attempt=attempt, limit=limit)
            except ProviderFailure as failure:
                failures.append({"target": name, "why": failure.code})
        raise RouteExhausted(
            f"no model of the route {route!r} gave an answer",
            why="; ".join(f"{failure['target']}: {failure['why']}" for failure in failures),
            fix="see whether the providers are configured and reachable; `rules` needs neither key nor network",
            targets=failures,
        )

    async def _attempt(
        self, route: Route, target: RouteTarget, request: ModelRequest, *, attempt: int, limit: float
    ) -> ModelReply:
        start = time.perf_counter()
        reply: ModelReply | None = None
        outcome = "cancelled"
        try:
            async with asyncio.timeout(limit):
                reply = await target.provider.complete(request, timeout=limit)
            outcome = "ok"
        except TimeoutError as error:
            outcome = ModelTimedOut.code
            raise ModelTimedOut(f"no answer within {limit:.3g} s", limit=round(limit, 3)) from error
        except ProviderFailure as failure:
            outcome = failure.code
            raise
        finally:
            elapsed = round((time.perf_counter() - start) * 1000, 3)
            waited(elapsed)
            if self._on_model_call is not None and outcome != "cancelled":
                body = {"route": route.name, "attempt": attempt, "outcome": outcome, "elapsed_ms": elapsed}
                await self._on_model_call(_record(body, target, request, reply))
        return reply


def _record(
    body: dict[str, Any], target: RouteTarget, request: ModelRequest, reply: ModelReply | None
) -> dict[str, Any]:
    body |= {name: request.metadata[name] for name in METADATA if name in request.metadata}
    body |= {"provider": target.provider.name, "model": target.provider.model}
    body |= {"messages": len(request.messages), "tools": len(request.tools)}
    fields: dict[str, Any] = {"messages": [dict(message) for message in request.messages]}
    if request.parameters:
        fields["parameters"] = dict(request.parameters)
    if reply is not None:
        calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in reply.tool_calls]
        body |= {"model": reply.model, "usage": reply.usage.to_json()}
        body["tool_calls"] = [call.name for call in reply.tool_calls]
        fields["reply"] = {"text": reply.text, "tool_calls": calls}
    return {"body": body, "fields": fields}


def route_unknown(route: str, known: Mapping[str, Route]) -> RouteUnknown:
    """Return the error about a route that is none of *known*, with the one that was perhaps meant."""
    near = difflib.get_close_matches(route, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "name one of its routes"
    return RouteUnknown(
        f"there is no route {route[:64]!r}",
        why=f"models.yaml has {', '.join(sorted(known)) or 'none'}",
        fix=hint,
    )
