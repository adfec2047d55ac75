"""Reads the events that a system sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.integration.connectors.interface import SUCCEEDED, Answer, EventReader, SystemDeclaration, failed
from interlock.integration.connectors.webhook.definitions import PAGE
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError


class WebhookConnector:
    """Over the house's own store; the system itself is never called."""

    def __init__(
        self, system: SystemDeclaration, definitions: Mapping[str, Definition], events: EventReader | None
    ) -> None:
        self._system = system.name
        self._verbs = {name: definition.binding["verb"] for name, definition in definitions.items()}
        self._events = events
        self._most_bytes = system.limits.response

    async def open(self) -> None:
        """Nothing has to be made ready."""

    async def close(self) -> None:
        """Nothing is held."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - it only reads
        if self._events is None:
            return failed("unreachable", "nobody takes events here", sent=False)
        try:
            async with asyncio.timeout(timeout):
                output = await self._read(self._events, self._verbs[operation], arguments)
        except TimeoutError:
            return failed("timed_out", "the events could not be read in time", transient=True)
        except InterlockError as error:  # of the store
            return failed(error.code, error.what, transient=error.transient)
        if output is None:
            return failed("not_found", "there is no such event")
        if len(orjson.dumps(output)) > self._most_bytes:
            return failed("response_too_large", f"the result is larger than {self._most_bytes} bytes")
        return Answer(SUCCEEDED, output)

    async def _read(self, events: EventReader, verb: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        if verb == "get":
            return await events.get(self._system, arguments["id"])
        found = await events.page(
            self._system,
            types=arguments.get("types", ()),
            before=arguments.get("before", ""),
            limit=arguments.get("limit", PAGE),
        )
        return {"events": [{name: value for name, value in one.items() if name != "data"} for one in found]}

    async def probe(self) -> Answer:
        """It is there as long as we are."""
        return Answer(SUCCEEDED)

    async def definitions(self) -> None:
        """A system that only sends publishes none."""
        return
