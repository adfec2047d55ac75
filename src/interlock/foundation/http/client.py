"""A pooled HTTP client per process: no redirects, no proxies, no cookies, bounded in time and size."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from interlock.foundation.http.answers import HttpStream, translate, whole
from interlock.foundation.http.egress import check_literal, guarded
from interlock.foundation.http.errors import HttpClosed, HttpForbidden, HttpLost, HttpUnreachable
from interlock.foundation.http.exchange import HttpRequest, HttpResponse
from interlock.foundation.http.unpacking import ACCEPTED

if TYPE_CHECKING:
    import aiohttp

# Below what servers commonly keep an idle connection for, so that a request rarely meets one being closed.
KEEP_ALIVE = 4.0
NAMES_KEPT = 60
CONNECT_SHARE = 0.9
_SCHEMES = frozenset({"http", "https"})


class HttpClient:
    """Sends requests over one pool of connections.

    It goes only where `egress` lets it, never follows a redirect, keeps no cookies, takes no proxy or credentials
    from the environment, verifies certificates (by *trust*, else the system's), and never repeats a request by
    itself. Many tasks of one event loop may share it. The driver is loaded by `open`.
    """

    def __init__(self, *, connections: int = 200, per_host: int = 64, trust: ssl.SSLContext | None = None) -> None:
        self._connections = connections
        self._per_host = per_host
        self._trust = trust
        self._driver: Any = None
        self._url: Any = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the pool; contacts nothing. Doing it again changes nothing."""
        if self._session is not None:
            return
        import aiohttp
        import yarl

        self._driver = aiohttp
        self._url = yarl.URL
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            limit_per_host=self._per_host,
            resolver=guarded(aiohttp),
            ttl_dns_cache=NAMES_KEPT,
            keepalive_timeout=KEEP_ALIVE,
            ssl=self._trust if self._trust is not None else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            requote_redirect_url=False,
            headers={"Accept-Encoding": ACCEPTED, "User-Agent": "interlock"},
            skip_auto_headers=("Content-Type",),
            middlewares=(_once(aiohttp),),
        )

    async def close(self) -> None:
        """Close every connection. Doing it again changes nothing."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the whole answer to *request*, whatever its status. Raises a kind of `HttpFailure`."""
        driver, begun = self._opened(), False
        try:
            async with self._asked(request) as answer:
                begun = True
                return await whole(answer, request.max_bytes)
        except (driver.ClientError, TimeoutError, OSError, ValueError) as error:
            translate(driver, error, request, begun=begun)

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        """Yield the answer to *request* while it still comes, whatever its status; it is asked for unpacked.

        Raises a kind of `HttpFailure`, as reading the answer does. Leaving before its end closes the connection.
        """
        driver = self._opened()
        request = replace(request, headers={**request.headers, "Accept-Encoding": "identity"})
        try:
            answer = await self._asked(request)
        except (driver.ClientError, TimeoutError, OSError, ValueError) as error:
            translate(driver, error, request, begun=False)
        try:
            yield HttpStream(driver, answer, request)
        finally:
            answer.release()  # which closes the connection of what was not read to its end

    def _opened(self) -> Any:
        if self._session is None:
            raise HttpClosed("the HTTP client is not open", sent=False, fix="open it before sending")
        return self._driver

    def _asked(self, request: HttpRequest) -> Any:
        assert self._session is not None  # by `_opened`
        limit = self._driver.ClientTimeout(
            total=request.timeout,
            connect=request.timeout * CONNECT_SHARE,
            sock_connect=request.connect or None,
            sock_read=request.idle or None,
        )
        url = self._url(request.url, encoded=True)
        if url.scheme not in _SCHEMES:
            raise HttpUnreachable("the request cannot be sent", sent=False, why="its address is not one of HTTP")
        if url.raw_user is not None or url.raw_password is not None:
            raise HttpForbidden(
                "the address holds credentials", sent=False, why="addresses are logged", fix="send them in a header"
            )
        check_literal(url.raw_host or "")
        return self._session.request(
            request.method,
            url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            timeout=limit,
        )


def _once(driver: Any) -> Callable[..., Awaitable[Any]]:
    """Return a step that keeps the driver from repeating a request whose connection broke.

    It would do so for methods that HTTP calls idempotent, which is for whoever knows the operation to decide.
    """
    unsent = (driver.ClientConnectorError, driver.ConnectionTimeoutError, driver.ClientSSLError)

    async def send(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            return await handler(request)
        except unsent:
            raise
        except (driver.ClientOSError, driver.ServerDisconnectedError) as error:
            raise HttpLost("the connection was lost before the answer came", sent=True) from error

    return send
