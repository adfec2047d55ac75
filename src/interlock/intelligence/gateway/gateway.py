"""The gateway: calls a route by its name, and keeps the health of all that routes lead to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Self

from interlock.intelligence.gateway.attempts import OnModelCall
from interlock.intelligence.gateway.begun import AsItComes, Way, Whole
from interlock.intelligence.gateway.calls import Answers, Call
from interlock.intelligence.gateway.embeddings import Embedding, EmbeddingRequest, Embeddings
from interlock.intelligence.gateway.errors import RouteUnfit, RouteUnknown
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT
from interlock.intelligence.gateway.guarding import Guarded, guarded_call
from interlock.intelligence.gateway.health import Healths
from interlock.intelligence.gateway.hedging import Apart
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest, RouteKind
from interlock.intelligence.gateway.routes import Route
from interlock.intelligence.gateway.surroundings import Surroundings

WHOLE = Whole()
AS_IT_COMES = AsItComes()
EMBEDDING = Embedding()
APART = Apart()


class Gateway:
    """Named routes to models, for one event loop. A changed project gets a new one by `with_routes`."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        *,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._routes = dict(routes)
        self._surroundings = surroundings or Surroundings()
        self._healths = Healths(self._surroundings.clock)

    @property
    def routes(self) -> Mapping[str, Route]:
        """The routes by name."""
        return self._routes

    def with_routes(self, routes: Mapping[str, Route]) -> Self:
        """Return a gateway for *routes* that knows the health of what is the same in them; calls under way go on."""
        other = type(self)(routes, surroundings=self._surroundings)
        other._healths = self._healths.keep(
            (instance.identity, route.health)
            for route in routes.values()
            for target in route.targets
            for instance in target.instances
        )
        return other

    async def complete(self, route: str, request: ModelRequest, told: OnModelCall | None = None) -> ModelReply:
        """Return the answer of the route's first target that gives one, in the order of its strategy.

        Targets that are not configured, whose condition does not hold, that rest or are ejected are passed over; one
        that fails is asked again and followed by the next as the route declares, within the route's time limit.
        *told* is told of each call to a provider, and of what the route's guards find. Raises `RouteUnknown` or a kind
        of `RouteExhausted`.
        """
        guarded = self._guarded(route, request, told)
        if guarded is None:
            return await self._call(route, request, told, WHOLE).run()
        return await guarded.whole(self._call(route, guarded.request, told, guarded.way(WHOLE)).run())

    def stream(self, route: str, request: ModelRequest, told: OnModelCall | None = None) -> Answers:
        """Return the answer of the same target while it comes: who answers, lists of deltas, and last the whole of it.

        The next target is asked only as long as nothing was passed on. Raises as `complete` does from its first step,
        and `RouteBroken` from a later one. Closing it early ends the request at the provider.
        """
        found = self._routes.get(route)
        way = AS_IT_COMES if found is None or found.hedge is None else APART
        guarded = self._guarded(route, request, told)
        if guarded is None:
            return self._call(route, request, told, way).stream()
        return guarded.stream(self._call(route, guarded.request, told, guarded.streamed(way)).stream())

    async def embed(self, route: str, request: EmbeddingRequest, told: OnModelCall | None = None) -> Embeddings:
        """Return a vector for each input of *request*, by the targets of a route for embeddings, as `complete` does."""
        reply = await self._call(route, request, told, EMBEDDING).run()
        assert isinstance(reply, Embeddings)
        return reply

    def _guarded(self, route: str, request: ModelRequest, told: OnModelCall | None) -> Guarded | None:
        found = self._routes.get(route)
        if found is None or not (found.guards or RESPONSE_FORMAT in request.parameters):
            return None
        return guarded_call(found, request, told)

    def _call(self, route: str, request: ModelRequest, told: OnModelCall | None, way: Way) -> Call:
        found = self._routes.get(route)
        if found is None:
            raise route_unknown(route, self._routes)
        if found.kind is not request.kind:
            raise route_unfit(found, request.kind, self._routes)
        return Call(found, request, healths=self._healths, surroundings=self._surroundings, told=told, way=way)


def route_unfit(route: Route, wanted: RouteKind, known: Mapping[str, Route]) -> RouteUnfit:
    """Return the error about a *route* that is not for what is *wanted*, with those that are."""
    fitting = ", ".join(sorted(name for name, one in known.items() if one.kind is wanted))
    return RouteUnfit(
        f"the route {route.name!r} is for {route.kind}, not for {wanted}",
        why=f"models.yaml says so by its `kind`; for {wanted} it has {fitting or 'no route'}",
        fix="name one of those" if fitting else f"declare a route with `kind: {wanted}` in models.yaml",
    )


def route_unknown(route: str, known: Mapping[str, Route]) -> RouteUnknown:
    """Return the error about a route that is none of *known*, with the one that was perhaps meant."""
    near = difflib.get_close_matches(route, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "name one of its routes"
    return RouteUnknown(
        f"there is no route {route[:64]!r}",
        why=f"models.yaml has {', '.join(sorted(known)) or 'none'}",
        fix=hint,
    )
