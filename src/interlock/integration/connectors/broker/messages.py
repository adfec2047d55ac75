"""Messages as they go to a broker and come from one, alike for all brokers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published. *attributes* are those of CloudEvents that travel as headers, without a prefix; *id*
    is the same whenever the same message is published again. *partition* chooses Kafka's partition.
    """

    topic: str
    id: str
    content_type: str
    attributes: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    partition: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The broker's word that it has a message: *place* says where, *duplicate* that it had it before."""

    place: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came. *place* is where the broker keeps it, *key* the broker's own id of it (empty: it has none).

    Names of *headers* are lower case. Exactly one of *done* (it is taken) and *aside* (it never will be) is awaited, or
    none: then the broker delivers it again.
    """

    place: str
    key: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    done: Callable[[], Awaitable[None]] = field(repr=False)
    aside: Callable[[], Awaitable[None]] = field(repr=False)
