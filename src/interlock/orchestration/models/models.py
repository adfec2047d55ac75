"""Calling the routes of the active project."""

from __future__ import annotations

from interlock.foundation.telemetry import OFF, Telemetry
from interlock.governance.journal import Journal
from interlock.intelligence.cache import Cache
from interlock.intelligence.gateway import Answers, EmbeddingRequest, Embeddings, ModelReply, ModelRequest
from interlock.intelligence.usage import Metering
from interlock.orchestration.models.caching import Caching
from interlock.orchestration.models.degrading import Degrading
from interlock.orchestration.models.metered import Metered
from interlock.orchestration.project import Projects


class Models:
    """All models of the installation. What a call may cost is reserved first.

    When the project's routes change, calls under way end on the ones they began with.
    """

    def __init__(self, projects: Projects, journal: Journal, metering: Metering, telemetry: Telemetry = OFF) -> None:
        self.metering = metering
        self._asked = Metered(projects, journal, metering, telemetry)
        cache = Cache(metering.clock.monotonic)
        routes, told, metrics = self._asked.routes, self._asked.told, metering.metrics
        self._answers = Degrading(Caching(self._asked, routes, cache, told, metrics), routes, told, metrics)

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the answer of the active project's route, kept or new, or what stands in for one that is too slow.

        Raises as `Gateway.complete` does, `BudgetExceeded`, `BudgetUnpriced`.
        """
        return await self._answers.complete(route, request)

    def stream(self, route: str, request: ModelRequest) -> Answers:
        """Yield the answer of the active project's route as it comes: as `complete`, and as `Gateway.stream` yields."""
        return self._answers.stream(route, request)

    async def embed(self, route: str, request: EmbeddingRequest) -> Embeddings:
        """Return vectors by the active project's route for embeddings. Raises as `complete` does, and `RouteUnfit`."""
        return await self._asked.embed(route, request)
