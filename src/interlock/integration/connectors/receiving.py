"""The seam for systems that send: what came over the wire, and what a connector makes of it.

A connector's plug-in whose object also satisfies `Receiver` has systems that may send; one that satisfies `Listener`
has systems that we ask for what they have. Nothing else about either changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from interlock.integration.connectors.interface import SecretSource, SystemDeclaration
from interlock.integration.connectors.surveys import Offer
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

CAME = (
    Offer(
        "list",
        "list_events",
        "Events that came, newest first, without their contents.",
        ("read",),
        Effect.read,
        settings={"arguments": dict.fromkeys(("types", "before", "limit"), "control")},
    ),
    Offer(
        "get",
        "get_event",
        "An event that came, with its contents.",
        ("read",),
        Effect.read,
        settings={"arguments": {"id": "target"}},
    ),
)
"""What is offered of every system whose events come here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it came. Names of *headers* are lower case; *body* is exactly what was signed."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that a system certainly sent. *key* tells it from its others; a key that comes again is no new event.

    *type*, *subject* and *time* are as in CloudEvents 1.0 (empty where the system says none); *data* is JSON.
    """

    key: str
    type: str
    subject: str
    time: str
    data: Any = field(repr=False)


@runtime_checkable
class Receiver(Protocol):
    """A plug-in whose systems send events to the house."""

    def receive(self, system: SystemDeclaration, delivery: Delivery, secrets: SecretSource, now: float) -> Arrival:
        """Return what *delivery* says, after its sender is proven. *now* is Unix time.

        Raises `DeliveryUnproven` for what may be anybody's, `DeliveryUnfit` for what is no event, and errors of the
        secrets. Stores nothing.
        """
        ...


class Intake(Protocol):
    """Where what a system has goes to."""

    async def take(self, arrival: Arrival) -> InterlockError | None:
        """Return None when the event is durable, new or known; or why it never can be. Raises errors of the storage."""
        ...

    async def set_aside(self, place: str, digest: str, why: InterlockError) -> None:
        """Record, durably, that the message at *place* is no event, and *why*. Raises errors of the storage."""
        ...


@runtime_checkable
class Listener(Protocol):
    """A plug-in whose systems hold events that the house fetches."""

    def subscriptions(self, system: SystemDeclaration) -> Sequence[str]:
        """Return the names of what *system* is listened for. Each is listened to by itself."""
        ...

    async def listen(
        self, system: SystemDeclaration, subscription: str, secrets: SecretSource, root: Path, intake: Intake
    ) -> None:
        """Give *intake* what comes, until cancelled. What it has neither taken nor set aside comes again.

        Raises `SystemUnreachable` where the system is not there any more (the caller listens again, later), and what
        *intake* and *secrets* raise.
        """
        ...
