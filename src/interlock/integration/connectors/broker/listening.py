"""Listening to a broker: what comes is taken before it is settled, and what can never be taken is set aside."""

from __future__ import annotations

import logging
import uuid
from contextlib import aclosing
from dataclasses import dataclass

from interlock.foundation.http import HttpForbidden
from interlock.integration.connectors.broker.arrivals import Fitting
from interlock.integration.connectors.broker.brokers import Broker, Link, Place, Subscription
from interlock.integration.connectors.broker.brokers.waiting import heed
from interlock.integration.connectors.broker.cloudevents import JSON, attributes_of
from interlock.integration.connectors.broker.errors import BrokerRefused, BrokerTrouble
from interlock.integration.connectors.broker.messages import Outgoing, Received
from interlock.integration.connectors.errors import DeliveryUnfit, SystemUnreachable
from interlock.integration.connectors.receiving import Intake
from interlock.values.digests import digest_bytes
from interlock.values.errors import InterlockError

log = logging.getLogger("interlock.broker")

_IDS = uuid.UUID("5d5f0f56-29a4-5b0f-9d43-1f2a0c6f7b10")


@dataclass(frozen=True, slots=True)
class Ear:
    """One subscription at work. *dead_letter* is the topic that gets a copy of what is set aside; empty for none."""

    broker: Broker
    subscription: Subscription
    fitting: Fitting
    intake: Intake
    dead_letter: str = ""

    async def listen(self, place: Place) -> None:
        """Take what comes until cancelled. Raises `SystemUnreachable`, and what the intake raises."""
        link: Link | None = None
        try:
            link = await self.broker.connect(place)
            async with aclosing(link.messages(self.subscription)) as messages:  # type: ignore[type-var]  # a generator
                async for received in messages:
                    await self._take(link, received)
                    heed()
        except BrokerTrouble as trouble:
            raise SystemUnreachable("the broker cannot be listened to", why=trouble.detail) from None
        except HttpForbidden as error:
            raise SystemUnreachable("the broker is not connected to", why=f"{error.what}: {error.why}") from None
        finally:
            if link is not None:
                await link.close()

    async def _take(self, link: Link, received: Received) -> None:
        why: InterlockError | None
        try:
            why = await self.intake.take(self.fitting.arrival(received))
        except DeliveryUnfit as error:
            why = error
        if why is None:
            await received.done()
            return
        await self.intake.set_aside(received.place, digest_bytes(received.body), why)
        if await self._buried(link, received, why) or self.broker.keeps:
            await received.aside()

    async def _buried(self, link: Link, received: Received, why: InterlockError) -> bool:
        """Whether a copy of the message is where it can be looked into, durably."""
        if not self.dead_letter:
            return False
        attributes = attributes_of(received.headers) | {"interlockreason": why.code, "interlockplace": received.place}
        content_type = received.headers.get("content-type", JSON)
        identifier = str(uuid.uuid5(_IDS, f"{self.subscription.topic}\0{received.place}"))
        try:
            await link.publish(Outgoing(self.dead_letter, identifier, content_type, attributes, received.body))
        except BrokerRefused as trouble:
            log.warning("a message that was set aside has no copy in its dead-letter topic: %s", trouble.code)
            return False
        return True
