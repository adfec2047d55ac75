"""`POST /hooks/SYSTEM`: where systems send their events. Who sends is proven by its signature, not by a key of ours."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.experience.api.errors import MethodNotAllowed, NotFound
from interlock.experience.api.request import Receive, Scope, Send, read_body
from interlock.experience.api.responses import send_json
from interlock.experience.installation import Installation
from interlock.integration.systems import Delivery, Receiver
from interlock.values.errors import InterlockError

PREFIX = "/hooks/"


class Hooks:
    """The one surface without a credential. It answers when an event is durable, also for one that came before."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery: 202 with the id of the event, 200 where it was taken before. Raises `InterlockError`."""
        try:
            event, fresh = await self._take(scope, receive)
        except InterlockError as error:
            self._count(scope, error.code)
            raise
        self._count(scope, "taken" if fresh else "repeated")
        await send_json(send, 202 if fresh else 200, {"event": event, "repeated": not fresh})

    async def _take(self, scope: Scope, receive: Receive) -> tuple[str, bool]:
        project = self._installation.projects.current
        name = scope["path"].removeprefix(PREFIX)
        system = project.catalog.systems.get(name)
        plugin: object = project.catalog.plugins.get(system.connector) if system is not None else None
        if system is None or not isinstance(plugin, Receiver):
            raise NotFound("no system of this name sends events here", fix="compare it with the project's systems")
        if scope["method"] != "POST":
            raise MethodNotAllowed("events are sent with POST", allow="POST")
        headers = dict(scope["headers"])
        body = await read_body(receive, headers, largest=project.settings.limits.request_bytes)
        delivery = Delivery(_texts(headers), body)
        arrival = plugin.receive(system, delivery, project.secrets, self._installation.clock.now())
        event, fresh = await self._installation.inbox.take(name, arrival, tenant=project.settings.tenants[0])
        return event.id, fresh

    def _count(self, scope: Scope, outcome: str) -> None:
        """Count by system and outcome; a name that no system has is not counted by, or strangers could fill memory."""
        name = scope["path"].removeprefix(PREFIX)
        known = name in self._installation.projects.current.catalog.systems
        self._installation.telemetry.metrics.count("interlock_events_total", name if known else "none", outcome)


def _texts(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.items()}
