"""Making a connection: to the addresses that were checked, one after the other, and by TLS where it is asked for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import cache

from interlock.foundation.http.errors import HttpFailure, HttpUnreachable
from interlock.foundation.http.names import Names
from interlock.foundation.http.places import Place
from interlock.foundation.http.wire import Wire

# How long one address is waited for before the next is tried beside it (RFC 8305, section 5).
NEXT_ADDRESS = 0.25


class Dialer:
    """Makes connections. Certificates are verified by *trust*, else by what the system trusts."""

    def __init__(self, trust: ssl.SSLContext | None) -> None:
        self._trust = trust
        self._names = Names()

    async def dial(self, place: Place, gone: Callable[[Wire], None]) -> Wire:
        """Return a new connection to *place*, which tells *gone* of its end. Raises a kind of `HttpFailure`."""
        addresses = [place.host] if place.is_address else await self._names.addresses(place.host)
        trust: ssl.SSLContext | None = None
        if place.secure:
            if self._trust is None:  # reading what the system trusts takes a while
                self._trust = await asyncio.get_running_loop().run_in_executor(None, _system_trust)
            trust = self._trust

        async def attempt(address: str) -> Wire:
            return await _connected(Wire(place, gone), address, trust)

        if len(addresses) == 1:
            return await attempt(addresses[0])
        return await _first(attempt, list(addresses))


async def _connected(wire: Wire, address: str, trust: ssl.SSLContext | None) -> Wire:
    place, name = wire.place, wire.place.name if trust is not None else None
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: wire, address, place.port, ssl=trust, server_hostname=name)
    except ssl.SSLError as error:
        wire.abort()
        raise HttpUnreachable(
            "the connection cannot be trusted", sent=False, why="its certificate or TLS handshake was refused"
        ) from error
    except OSError as error:
        wire.abort()
        raise HttpUnreachable("no connection could be made", sent=False, why="nobody listens") from error
    except BaseException:
        wire.abort()
        raise
    return wire


async def _first(attempt: Callable[[str], Awaitable[Wire]], addresses: list[str]) -> Wire:
    """Return the first connection that is made; the other attempts are given up."""
    failures: list[HttpFailure] = []
    running: set[asyncio.Task[Wire]] = set()
    won: Wire | None = None
    try:
        while won is None and (addresses or running):
            if addresses:
                running.add(asyncio.ensure_future(_awaited(attempt(addresses.pop(0)))))
            delay = NEXT_ADDRESS if addresses else None
            done, _ = await asyncio.wait(running, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if isinstance(error, HttpFailure):
                    failures.append(error)
                    running.discard(task)
                elif won is None:
                    won = task.result()
                    running.discard(task)
    finally:
        for task in running:
            task.cancel()
        for late in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(late, Wire):
                late.abort()
    if won is None:
        raise failures[0]
    return won


async def _awaited(attempt: Awaitable[Wire]) -> Wire:
    return await attempt


@cache
def _system_trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
