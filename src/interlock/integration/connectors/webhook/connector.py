"""Reads the events that a system sent, and sends it events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from interlock.integration.connectors.interface import SUCCEEDED, Answer, EventReader, SystemDeclaration, failed
from interlock.integration.connectors.webhook.definitions import PAGE
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError


class Sending(Protocol):
    """What sends events."""

    async def send(self, operation: str, data: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        """Send one event, once."""
        ...

    async def probe(self, timeout: float) -> Answer:
        """Ask whether anybody is there, without an event."""
        ...


class WebhookConnector:
    """What came is read from the house's own store; only what is sent reaches the system."""

    def __init__(
        self,
        system: SystemDeclaration,
        definitions: Mapping[str, Definition],
        events: EventReader | None,
        sender: Sending | None = None,
    ) -> None:
        self._system = system.name
        self._sender = sender
        self._verbs = {name: definition.binding["verb"] for name, definition in definitions.items()}
        self._events = events
        self._most_bytes = system.limits.response

    async def open(self) -> None:
        """Nothing has to be made ready."""

    async def close(self) -> None:
        """Nothing is held."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        verb = self._verbs[operation]
        if verb == "send" and self._sender is not None:
            return await self._sender.send(operation, arguments, key=key, timeout=timeout)
        if self._events is None:
            return failed("unreachable", "nobody takes events here", sent=False)
        try:
            async with asyncio.timeout(timeout):
                output = await self._read(self._events, verb, arguments)
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

    async def probe(self, *, timeout: float) -> Answer:
        """What came is there as long as we are."""
        return await self._sender.probe(timeout) if self._sender is not None else Answer(SUCCEEDED)

    async def definitions(self) -> None:
        """Neither a sender nor a receiver of events publishes any."""
        return
