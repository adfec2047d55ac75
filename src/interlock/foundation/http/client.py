"""A pooled HTTP client per process: no redirects, no proxies, no cookies, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self

from interlock.foundation.http.answers import Answer, HttpStream, response
from interlock.foundation.http.dialing import Dialer
from interlock.foundation.http.errors import HttpClosed, HttpTimedOut
from interlock.foundation.http.exchange import HttpRequest, HttpResponse
from interlock.foundation.http.heads import head
from interlock.foundation.http.places import Place, placed
from interlock.foundation.http.pool import Pool
from interlock.foundation.http.wire import Wire

CONNECT_SHARE = 0.9


class HttpClient:
    """Sends requests over one pool of connections.

    It goes only where `egress` lets it, never follows a redirect, keeps no cookies, takes no proxy or credentials
    from the environment, verifies certificates (by *trust*, else the system's), and never repeats a request by
    itself. Many tasks of one event loop may share it.
    """

    def __init__(self, *, connections: int = 200, per_host: int = 64, trust: ssl.SSLContext | None = None) -> None:
        self._connections = connections
        self._per_host = per_host
        self._trust = trust
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the pool; contacts nothing. Doing it again changes nothing."""
        if self._pool is None:
            self._pool = Pool(Dialer(self._trust).dial, self._connections, self._per_host)

    async def close(self) -> None:
        """Close every connection. Doing it again changes nothing."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the whole answer to *request*, whatever its status. Raises a kind of `HttpFailure`."""
        pool = self._opened()
        wire, answer = await self._asked(pool, request, whole=True)
        try:
            while not answer.done:
                await answer.news()
        finally:
            pool.give_back(wire)
        if answer.failure is not None:
            raise answer.failure
        return response(answer, answer.parts)

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        """Yield the answer to *request* while it still comes, whatever its status; it is asked for unpacked.

        Raises a kind of `HttpFailure`, as reading the answer does. Leaving before its end closes the connection.
        """
        pool = self._opened()
        request = replace(request, headers={**request.headers, "Accept-Encoding": "identity"})
        wire, answer = await self._asked(pool, request, whole=False)
        try:
            while not (answer.has_begun or answer.done):
                await answer.news()
            if answer.failure is not None and not answer.has_begun:
                raise answer.failure
            yield HttpStream(answer, wire.go_on)
        finally:
            pool.give_back(wire)

    def _opened(self) -> Pool:
        if self._pool is None:
            raise HttpClosed("the HTTP client is not open", sent=False, fix="open it before sending")
        return self._pool

    async def _asked(self, pool: Pool, request: HttpRequest, *, whole: bool) -> tuple[Wire, Answer]:
        """Return a connection over which *request* is on its way, and its answer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeout
        place, target = placed(request.url)
        lines = head(request, place, target)
        wire = pool.idle(place)
        if wire is None:
            wire = await _connected(pool, place, request)
        answer = Answer(request, loop, deadline, whole=whole)
        try:
            wire.ask(lines, answer)
        except BaseException:
            pool.give_back(wire)
            raise
        return wire, answer


async def _connected(pool: Pool, place: Place, request: HttpRequest) -> Wire:
    try:
        async with asyncio.timeout(request.timeout * CONNECT_SHARE):
            return await pool.connection(place, request.connect or None)
    except TimeoutError as error:
        limit = min(request.connect or request.timeout, request.timeout)
        raise HttpTimedOut(f"no connection within {limit:g} s", sent=False, limit=limit) from error
