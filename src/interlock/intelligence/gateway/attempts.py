"""What has become of a call so far: of each target that was asked, or passed over, what came of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from interlock.intelligence.gateway.begun import Begun
from interlock.intelligence.gateway.errors import OBJECTED, ProviderFailure, RouteExhausted
from interlock.intelligence.gateway.health import Visit
from interlock.intelligence.gateway.messages import Attempt, ModelReply, ModelRequest, Usage
from interlock.intelligence.gateway.records import on_behalf_of, record
from interlock.intelligence.gateway.routes import Instance, Route, RouteTarget
from interlock.intelligence.gateway.terms import CLEARANCE, Broken

LOG = logging.getLogger("interlock.models")

OnModelCall = Callable[[dict[str, Any]], Awaitable[None]]
"""Told of each call to a provider: `{"body": ..., "fields": ...}`.

*body* has ids, names, counts and times alone: route, target, provider, model, outcome (`ok`, `declined` or an error's
code), attempt (its number), attempts (all so far, this one last), usage, elapsed_ms, messages and tools (how many),
tool_calls (names), changed (where the version is not the pinned one), and the request's metadata. *fields* has what was
said: `messages` and `reply`, and the request's own `parameters` if it has any. An answer that a guard objects to, and
the one that is asked for in its place, are calls of their own.

Of what guards find it is told with the `kind` `model.guarded`: route, findings (guard, kind, count, what was done) and
the metadata.

Where no target gave an answer, it is told once more, with `kind` (`model.unanswered`) and a *body* of route, outcome
(the code of the error), attempts (all of them) and the request's metadata; nothing of what was said.
"""

UNANSWERED = "model.unanswered"
GUARDED = "model.guarded"
NOT_CLEARED = "not_cleared"
"""The outcome of a target that may not be shown what the call holds, and was not asked."""

LEFT = "left"
"""The outcome of an answer that nobody waited for to its end."""

UNUSED = "unused"
"""The outcome of a whole answer that nobody waited for any more."""


@dataclass(slots=True)
class Asking:
    """An instance that is being asked, and what has come of it so far."""

    target: RouteTarget
    instance: Instance
    visit: Visit
    wait: float = 0.0
    elapsed: float = 0.0
    outcome: str = ""
    begun: Begun | None = None
    reply: ModelReply | None = None
    began: float = 0.0
    request: ModelRequest | None = None
    """What it is asked, where that is not the request of the call but what a guard makes of it."""
    said: list[str] = field(default_factory=list)
    """What was passed on before the whole of it came."""

    @property
    def under_way(self) -> bool:
        """Whether the answer has begun and is not whole yet."""
        return self.begun is not None and self.reply is None


class Attempts:
    """The attempts of one call, in the order in which they ended."""

    def __init__(self, route: Route, request: ModelRequest, told: OnModelCall | None) -> None:
        self._route = route
        self._request = request
        self._told = told
        self._attempts: list[Attempt] = []

    @property
    def all(self) -> tuple[Attempt, ...]:
        """All of them so far."""
        return tuple(self._attempts)

    @property
    def asked(self) -> int:
        """How many of them asked a provider."""
        return sum(attempt.asked for attempt in self._attempts)

    async def note(self, asking: Asking, failure: ProviderFailure | None) -> None:
        """Take note of an attempt that is over, and tell of it."""
        reply, begun = asking.reply, asking.begun
        change = asking.target.pin.change(begun.reported) if begun is not None else ""
        attempt = Attempt(
            asking.instance.name,
            asking.outcome,
            change or (failure.why if failure is not None else ""),
            wait=asking.wait,
            elapsed=asking.elapsed,
            asked=True,
            usage=reply.usage if reply is not None else Usage(),
        )
        self._attempts.append(attempt)
        if change:
            LOG.warning("route %s: target %s has changed: %s", self._route.name, attempt.target, change)
        if self._told is not None:
            body = {"route": self._route.name, "attempt": len(self._attempts), "outcome": asking.outcome}
            body |= {"target": attempt.target, "elapsed_ms": asking.elapsed}
            body["attempts"] = [one.to_json() for one in self._attempts]
            if change:
                body["changed"] = change
            await self._told(
                record(body, asking.request or self._request, asking.instance.provider, reply, asking.said)
            )

    def passed(self, target: str, outcome: str, why: str = "") -> None:
        """Take note of a target that was not asked."""
        self._attempts.append(Attempt(target, outcome, why))

    async def bent(self, broken: Broken, done: str) -> None:
        """Tell of a rule that a target would break, and what is *done* about it: `observed`, or its data `replaced`."""
        if self._told is not None:
            found = {"guard": CLEARANCE, "kind": broken.rule, "count": 1, "done": done}
            body = {"route": self._route.name, "findings": [found], **on_behalf_of(self._request)}
            await self._told({"kind": GUARDED, "body": body, "fields": {}})

    async def unanswered(self, error: RouteExhausted) -> None:
        """Tell that nobody gave an answer that could be used."""
        if self._told is not None:
            body = {"route": self._route.name, "outcome": error.code, **on_behalf_of(self._request)}
            body["attempts"] = [attempt.to_json() for attempt in self._attempts]
            await self._told({"kind": UNANSWERED, "body": body, "fields": {}})

    def exhausted(self, kind: type[RouteExhausted], **details: Any) -> RouteExhausted:
        """Return the error that says of each target why it gave no answer."""
        told = [attempt.to_json() | {"why": _reason(attempt)} for attempt in self._attempts]
        return kind(
            f"no model of the route {self._route.name!r} {kind.did}",
            why="; ".join(f"{one['target']}: {one['why']}" for one in told),
            fix=kind.fixed_by,
            targets=told,
            **details,
        )


def _reason(attempt: Attempt) -> str:
    """Why an attempt gave no answer; what a provider said of it may name addresses, and stays in the journal."""
    if not attempt.asked:
        return attempt.why or attempt.outcome
    return f"{attempt.outcome}: {attempt.why}" if attempt.outcome in OBJECTED and attempt.why else attempt.outcome


def milliseconds(seconds: float) -> float:
    """Return *seconds* as milliseconds with three decimals."""
    return round(seconds * 1000, 3)
