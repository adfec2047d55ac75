"""What a broker must be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from interlock.foundation.http.sockets import NamingContext
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker is and who we are there. *servers* are `host:port`; *tls* None means in the clear."""

    servers: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    mechanism: str = ""
    database: int = 0
    virtual_host: str = "/"
    tls: NamingContext | None = None

    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Return the servers as hosts, without brackets, and ports."""
        split = (server.rpartition(":") for server in self.servers)
        return tuple((host.strip("[]"), int(port)) for host, _, port in split)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is listened to: a *topic* (subject, stream, queue), as the consumer or group *durable*.

    *redeliver* is after how many seconds an unsettled message comes again, where the broker asks us.
    """

    topic: str
    durable: str
    stream: str = ""
    redeliver: float = 30.0


class Link(Protocol):
    """A live connection to a broker; used by many tasks of one event loop."""

    @property
    def alive(self) -> bool:
        """Whether it can still be used; a new one must be made where not."""
        ...

    async def publish(self, outgoing: Outgoing) -> Receipt:
        """Return when the broker has taken the message.

        Raises `BrokerAway`, `BrokerRefused` (surely not taken) or `BrokerLost`. Has no time limit of its own; one that
        is cancelled is in doubt.
        """
        ...

    async def depth(self, topic: str) -> int:
        """Return how many messages *topic* holds. Raises a `BrokerTrouble`."""
        ...

    def messages(self, subscription: Subscription) -> AsyncIterator[Received]:
        """Yield what comes, without end. Raises `BrokerTrouble`; what was not settled then comes again."""
        ...

    async def close(self) -> None:
        """Release the connection; never waits for long. Doing it again changes nothing."""
        ...


class Broker(Protocol):
    """A kind of broker. Its driver is loaded by `connect`."""

    @property
    def name(self) -> str:
        """The word that `broker:` names it by."""
        ...

    @property
    def package(self) -> str:
        """The driver's module."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether a message that was set aside stays where it was, for whoever looks into it."""
        ...

    async def connect(self, place: Place) -> Link:
        """Return a connection, made through the guard of sockets. Raises `BrokerAway` and `HttpForbidden`."""
        ...
