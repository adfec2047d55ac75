"""The cache of one process: a shelf for each route that declares one, and the place of a request on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from interlock.intelligence.cache.keeping import worth_keeping
from interlock.intelligence.cache.key import Question, key_of, question_of
from interlock.intelligence.cache.shelf import Kept, Shelf
from interlock.intelligence.gateway import ModelReply, ModelRequest, Route
from interlock.intelligence.gateway.caching import CachePlan

PASSING = "cache"
"""The member of a request's metadata by which a caller passes around the cache."""

ANEW, NOWHERE = "no-cache", "no-store"
"""Ask the model, and keep what it answers; or neither look nor keep."""


@dataclass(slots=True)
class _Routes:
    """A shelf with what it is for, and what is being asked right now."""

    version: Hashable
    shelf: Shelf
    flights: dict[bytes, asyncio.Event] = field(default_factory=dict)


class Cache:
    """Finds the place of a request. Where anything about a route changes that has a say in its answers, its shelf is
    empty from then on; calls under way keep what they have to keep on the old one.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._shelves: dict[str, _Routes] = {}
        self._known: Mapping[str, Route] = {}

    def place(self, routes: Mapping[str, Route], name: str, request: ModelRequest) -> Place | None:
        """Return where the answer to *request* would be; None where it is kept nowhere."""
        if routes is not self._known:
            self._known = routes
            kept = {route.name for route in routes.values() if route.cache is not None}
            self._shelves = {route: one for route, one in self._shelves.items() if route in kept}
        route = routes.get(name)
        if route is None or route.cache is None or request.metadata.get(PASSING) == NOWHERE:
            return None
        key = key_of(route, request)
        if key is None:
            return None
        of_route = self._of(route, route.cache)
        look = request.metadata.get(PASSING) != ANEW
        question = question_of(route, request) if route.cache.semantic is not None else None
        return Place(of_route.shelf, of_route.flights, key, question, look=look)

    def _of(self, route: Route, plan: CachePlan) -> _Routes:
        version = version_of(route)
        found = self._shelves.get(route.name)
        if found is None or found.version != version:
            found = self._shelves[route.name] = _Routes(version, Shelf(plan, self._now))
        return found


class Place:
    """Where the answer to one request is kept, if it is."""

    def __init__(
        self, shelf: Shelf, flights: dict[bytes, asyncio.Event], key: bytes, question: Question | None, *, look: bool
    ) -> None:
        self._shelf = shelf
        self._flights = flights
        self._key = key
        self._look = look
        self.question = question
        """What is asked, where a like question may be answered alike."""
        self._vector: Sequence[float] = ()

    def kept(self, *, stale: bool = False) -> Kept | None:
        """Return the answer that is kept, unless the caller wants a new one."""
        return self._shelf.get(self._key, stale=stale) if self._look else None

    def like(self, vector: Sequence[float]) -> Kept | None:
        """Return the answer to a question that is enough like this one, of which *vector* is known from now on."""
        self._vector = vector
        return self._shelf.like(self.question, vector) if self._look and self.question is not None else None

    async def awaited(self) -> Kept | None:
        """Return the answer to the same request, if that is being asked right now and comes to one.

        It is waited for once; whoever was let down asks for themselves, all at the same time.
        """
        flight = self._flights.get(self._key) if self._look else None
        if flight is None:
            return None
        await flight.wait()
        return self.kept()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let the same requests that come meanwhile wait for what comes of this one."""
        if self._key in self._flights:
            yield
            return
        flight = self._flights[self._key] = asyncio.Event()
        try:
            yield
        finally:
            del self._flights[self._key]
            flight.set()

    def keep(self, reply: ModelReply) -> None:
        """Keep *reply*, where it is worth it."""
        if worth_keeping(reply):
            self._shelf.put(self._key, reply, self.question, self._vector)


def version_of(route: Route) -> Hashable:
    """Return what tells *route* from one that may answer otherwise."""
    targets = tuple(
        (one.name, one.pin, one.when.text, one.weight, tuple(instance.identity for instance in one.instances))
        for one in route.targets
    )
    return (route.cache, route.fall_back_on, type(route.strategy), route.guards, targets)
