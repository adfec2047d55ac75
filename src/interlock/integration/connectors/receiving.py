"""The seam for systems that send: what came over the wire, and what a connector makes of it.

A connector's plug-in whose object also satisfies `Receiver` has systems that may send; nothing else about it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from interlock.integration.connectors.interface import SecretSource, SystemDeclaration


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
