"""The guard of `egress` for what is not HTTP: drivers of databases, brokers, mail and files connect through it.

A name is resolved once, what it stands for is judged, and that very address is connected to. TLS goes on to verify the
declared name: a driver that takes a socket gets one, one that takes only an address gets a `NamingContext` with it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from interlock.foundation.http.egress import check_literal, check_resolved
from interlock.foundation.http.errors import HttpForbidden

PATIENCE = 2.0
"""Seconds for one address of several to answer."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An address that was judged."""

    family: socket.AddressFamily
    place: tuple[Any, ...]

    @property
    def address(self) -> str:
        """The address as text."""
        return str(self.place[0])

    def socket(self) -> socket.socket:
        """Return a socket of its family, not connected."""
        made = socket.socket(self.family, socket.SOCK_STREAM)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


async def spots(host: str, port: int) -> tuple[Spot, ...]:
    """Return where *host* is now, judged. Raises `HttpForbidden`, and `OSError` where it stands for nothing."""
    check_literal(host)
    return _judged(host, await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))


def spots_now(host: str, port: int) -> tuple[Spot, ...]:
    """Do as `spots`, and block meanwhile."""
    check_literal(host)
    return _judged(host, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _judged(host: str, found: Sequence[Any]) -> tuple[Spot, ...]:
    made = tuple(dict.fromkeys(Spot(one[0], one[4]) for one in found))
    try:
        ip_address(host)
    except ValueError:
        check_resolved(host.rstrip(".").lower(), [one.address for one in made])
    if not made:
        raise OSError("the name stands for no address")
    return made


async def connected(host: str, port: int) -> socket.socket:
    """Return a socket that does not block, connected to *host*. Raises `HttpForbidden` and `OSError`.

    Its time is for the caller to bound.
    """
    loop, failure = asyncio.get_running_loop(), OSError()
    for spot in await spots(host, port):
        made = spot.socket()
        made.setblocking(False)
        try:
            await loop.sock_connect(made, spot.place)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def connected_now(host: str, port: int, timeout: float) -> socket.socket:
    """Return a socket that blocks for *timeout* seconds at most, connected to *host*, within that time.

    Raises `HttpForbidden` and `OSError`.
    """
    until, failure = time.monotonic() + timeout, OSError()
    for spot in spots_now(host, port):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no address answered in time")
        made = spot.socket()
        try:
            made.settimeout(left)
            made.connect(spot.place)
        except OSError as error:
            made.close()
            failure = error
        else:
            made.settimeout(timeout)
            return made
    raise failure


async def answering(host: str, port: int) -> str:
    """Return the address of *host* to connect to: the first that answers if there are several, else the first.

    Raises `HttpForbidden`, and `OSError` where it stands for nothing.
    """
    loop, found = asyncio.get_running_loop(), await spots(host, port)
    for spot in found if len(found) > 1 else ():
        with spot.socket() as made:
            made.setblocking(False)
            try:
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_connect(made, spot.place)
            except OSError:  # also of time
                continue
            return spot.address
    return found[0].address


def check_declared(declared: Sequence[tuple[str, int]], host: str, port: int) -> None:
    """Raise `HttpForbidden` if *host* and *port*, where a server sends its clients, are not among the *declared*."""
    if (host.lower(), port) not in {(name.lower(), number) for name, number in declared}:
        shown = "".join(sign for sign in host[:100] if sign.isalnum() or sign in ".-_:")
        raise HttpForbidden(
            f"the system sends its clients on to {shown}:{port}, which is not declared",
            sent=False,
            why="nothing is connected to but what the declaration names",
            fix="declare that server as well, if it is the system's own",
        )


class NamingContext(ssl.SSLContext):
    """Verifies certificates as the standard library does by default, for a driver that is given an address.

    *names* says by which name the server at an address is verified.
    """

    names: dict[str, str]

    @classmethod
    def trusting(cls, authorities: str = "") -> NamingContext:
        """Return one that trusts the file *authorities*, else the machine's. Raises `OSError`."""
        usual = ssl.create_default_context(cafile=authorities or None)
        made = cls(ssl.PROTOCOL_TLS_CLIENT)
        made.names = {}
        made.options, made.verify_flags = usual.options, usual.verify_flags
        if authorities:
            made.load_verify_locations(authorities)
        else:
            made.load_default_certs()
        return made

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *sides: Any, server_hostname: Any = None, **more: Any
    ) -> ssl.SSLObject:
        """Do as the base class, by the declared name."""
        more["server_hostname"] = self.names.get(server_hostname, server_hostname)
        return super().wrap_bio(incoming, outgoing, *sides, **more)


class GuardedLoop:
    """An event loop for a driver that takes one and lets it connect: it does so through the guard."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(
        self, factory: Callable[[], Any], host: str, port: int, *, ssl: Any = None, **more: Any
    ) -> Any:
        """Do as the loop does. Raises `HttpForbidden` besides."""
        made = await connected(host, port)
        named = {"server_hostname": host} if ssl is not None else {}
        try:
            return await self._loop.create_connection(factory, sock=made, ssl=ssl, **{**named, **more})
        except BaseException:
            made.close()
            raise
