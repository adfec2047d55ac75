"""Publishes to a broker, and reads the events that came from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from interlock.foundation.clock import rfc3339
from interlock.integration.connectors.broker.brokers import Broker, Link, Place
from interlock.integration.connectors.broker.cloudevents import JSON, MODES, VERSION
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerLost, BrokerTrouble
from interlock.integration.connectors.broker.messages import Outgoing
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    EventReader,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.webhook.connector import WebhookConnector
from interlock.integration.connectors.webhook.sending import event_id
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

LONGEST = 300
"""Signs of a subject or partition key that is taken from what is published."""


class BrokerConnector:
    """One broker. The connection is made when it is first used, and again after it was lost."""

    def __init__(
        self,
        system: SystemDeclaration,
        definitions: Mapping[str, Definition],
        broker: Broker,
        where: Callable[[], Place],
        events: EventReader | None,
        now: Callable[[], float],
    ) -> None:
        self._system = system
        self._broker = broker
        self._where = where
        self._now = now
        self._bindings = {name: one.binding for name, one in definitions.items()}
        reads = {name: one for name, one in definitions.items() if one.binding["verb"] in {"list", "get"}}
        self._reading = WebhookConnector(system, reads, events)
        self._source: str = system.connection.get("source", f"urn:interlock:{system.name}")
        self._link: Link | None = None
        self._making = asyncio.Lock()

    async def open(self) -> None:
        """Nothing is contacted before it is needed."""

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        binding = self._bindings[operation]
        if binding["verb"] in {"list", "get"}:
            return await self._reading.call(operation, arguments, key=key, timeout=timeout)
        if binding["verb"] == "depth":
            return await self._asked(lambda link: _depth(link, binding["topic"]), Effect.read, timeout)
        try:
            outgoing = self._outgoing(operation, binding, arguments, key)
        except orjson.JSONEncodeError:
            return failed("argument_unsendable", "an argument cannot be written as JSON", sent=False)
        return await self._asked(lambda link: _published(link, outgoing), Effect.write, timeout)

    async def probe(self, *, timeout: float) -> Answer:
        async def nothing(_: Link) -> None:
            return None

        return await self._asked(nothing, Effect.read, timeout)

    async def definitions(self) -> Mapping[str, Definition] | None:
        """A broker publishes none."""
        return None

    def _outgoing(self, operation: str, binding: Mapping[str, Any], data: Mapping[str, Any], key: str) -> Outgoing:
        identifier = event_id(self._system.name, operation, key)
        attributes = {
            "specversion": VERSION,
            "id": identifier,
            "source": self._source,
            "type": binding["type"],
            "time": rfc3339(self._now()),
            "datacontenttype": JSON,
        }
        if subject := _word(data, binding["subject"]):
            attributes["subject"] = subject
        content_type, headers, body = MODES[binding["mode"]](attributes, dict(data))
        return Outgoing(binding["topic"], identifier, content_type, headers, body, _word(data, binding["partition"]))

    async def _asked(self, work: Callable[[Link], Awaitable[Any]], effect: Effect, timeout: float) -> Answer:
        handed = False
        try:
            async with asyncio.timeout(timeout):
                link = await self._linked()
                handed = True
                return Answer(SUCCEEDED, await work(link))
        except TimeoutError:
            if not handed:
                return failed("unreachable", "the broker could not be reached in time", sent=False, transient=True)
            return unanswered(effect, "timed_out", "the broker did not answer in time", transient=True)
        except BrokerAway as trouble:
            return failed(trouble.code, trouble.detail, sent=False, transient=trouble.transient)
        except BrokerLost as trouble:
            return unanswered(effect, trouble.code, trouble.detail, transient=trouble.transient)
        except BrokerTrouble as trouble:
            return failed(trouble.code, trouble.detail, transient=trouble.transient)
        except InterlockError as error:  # of the secrets
            return unsent(error)

    async def _linked(self) -> Link:
        async with self._making:
            link = self._link
            if link is None or not link.alive:
                self._link = None
                if link is not None:
                    await link.close()
                link = self._link = await self._broker.connect(self._where())
            return link


async def _published(link: Link, outgoing: Outgoing) -> dict[str, Any]:
    receipt = await link.publish(outgoing)
    return {"id": outgoing.id, "place": receipt.place, "duplicate": receipt.duplicate}


async def _depth(link: Link, topic: str) -> dict[str, Any]:
    return {"messages": await link.depth(topic)}


def _word(data: Mapping[str, Any], pointer: str) -> str:
    """Return the text or number that *data* holds at *pointer*, as a header can carry it; empty where it holds none."""
    found = found_at(dict(data), pointer)[1] if pointer else None
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in str(found))[:LONGEST]
