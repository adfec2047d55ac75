"""Taking what systems send: durable before they are answered, each event once, together with what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.events import store
from interlock.integration.events.errors import EventDiffers
from interlock.integration.events.event import Event
from interlock.integration.systems import Arrival
from interlock.values.digests import digest
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id

Follow = Callable[[Event], list[Statement]]
"""Returns what has to be stored together with a new event."""


class Inbox:
    """The events of the installation. *follow* is set by who starts work for them."""

    def __init__(self, database: Database, journal: Journal, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self.follow: Follow = lambda _: []

    async def open(self) -> None:
        """Make the table where it is missing."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)

    async def take(self, system: str, arrival: Arrival, *, tenant: str) -> tuple[Event, bool]:
        """Return the event that *arrival* is, and whether it is new. Durable on return; *tenant*'s journal tells of it.

        Raises `EventDiffers` where the system sent something else under the same id before.
        """
        event = Event(
            id=new_id("evt"),
            system=system,
            key=arrival.key,
            type=arrival.type,
            subject=arrival.subject,
            time=arrival.time,
            received=self._clock.now(),
            digest=digest(arrival.data),
            data=arrival.data,
        )
        entry = Entry(
            kind="event.received",
            tenant=tenant,
            subject=event.id,
            actor=f"system:{system}",
            body={"system": system, "digest": event.digest},
            fields={"key": event.key, "type": event.type, "about": event.subject},
        )
        fault("event.before_commit")
        try:
            await self._journal.record([entry], guards=[store.insert(event)], changes=self.follow(event))
        except Conflict:
            return await self._again(event), False
        fault("event.after_commit")
        return event, True

    async def set_aside(self, system: str, place: str, content: str, why: InterlockError, *, tenant: str) -> None:
        """Record that what *system* keeps at *place* is no event, and *why*; *content* is its digest. Durable."""
        body = {"system": system, "digest": content, "code": why.code, "what": why.what}
        entry = Entry(
            kind="event.set_aside",
            tenant=tenant,
            subject=system,
            actor=f"system:{system}",
            body=body,
            fields={"place": place},
        )
        await self._journal.record([entry])

    async def _again(self, event: Event) -> Event:
        known = await store.by_key(self._database, event.system, event.key)
        if known is None or (known.digest, known.type, known.subject) != (event.digest, event.type, event.subject):
            raise EventDiffers(
                "an event with this id and other contents was taken before",
                fix="give each event an id of its own; if `id` points to something else, point it to the event's id",
                event=known.id if known is not None else "",
            )
        return known

    async def page(self, system: str, *, types: Sequence[str], before: str, limit: int) -> list[dict[str, Any]]:
        """Return events of *system*, newest first, as operations show them."""
        found = await store.page(self._database, system, types=types, before=before, limit=limit)
        return [event.to_json() for event in found]

    async def get(self, system: str, event_id: str) -> dict[str, Any] | None:
        """Return one event of *system* as operations show it, or None."""
        event = await store.load(self._database, event_id)
        return event.to_json() if event is not None and event.system == system else None

    async def older(self, before: float) -> int:
        """Return how many events came before a moment."""
        return await store.older(self._database, before)

    def pruned(self, before: float) -> list[Statement]:
        """Return the statements that let go of events that came before a moment."""
        return [store.pruned(before)]
