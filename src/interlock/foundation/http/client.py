"""A pooled HTTP client per process: no redirects, no proxies, no cookies, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn, Self

from interlock.foundation.http.errors import (
    HttpClosed,
    HttpFailure,
    HttpLost,
    HttpTimedOut,
    HttpUnreachable,
    ResponseUnreadable,
)
from interlock.foundation.http.exchange import HttpRequest, HttpResponse
from interlock.foundation.http.unpacking import ACCEPTED, body_for, too_large

if TYPE_CHECKING:
    import aiohttp

# Below what servers commonly keep an idle connection for, so that a request rarely meets one being closed.
KEEP_ALIVE = 4.0
NAMES_KEPT = 60
CONNECT_SHARE = 0.9


class HttpClient:
    """Sends requests over one pool of connections.

    It never follows a redirect, keeps no cookies, takes no proxy or credentials from the environment,
    verifies certificates (by *trust*, else the system's), and never repeats a request by itself. Many
    tasks of one event loop may share it. The driver is loaded by `open`.
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
        session, driver = self._session, self._driver
        if session is None:
            raise HttpClosed("the HTTP client is not open", sent=False, fix="open it before sending")
        limit = driver.ClientTimeout(
            total=request.timeout, connect=request.timeout * CONNECT_SHARE, sock_connect=request.connect or None
        )
        begun = False
        try:
            async with session.request(
                request.method,
                self._url(request.url, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=limit,
            ) as answer:
                begun = True
                return await _whole(answer, request.max_bytes)
        except (driver.ClientError, TimeoutError, OSError, ValueError) as error:
            _translate(driver, error, request, begun=begun)


async def _whole(answer: aiohttp.ClientResponse, limit: int) -> HttpResponse:
    """Read *answer* to its end within *limit*; leaving early closes the connection rather than reuse it."""
    try:
        announced = answer.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limit and answer.method != "HEAD":
            raise too_large(limit)
        body = body_for(answer.headers.get("Content-Encoding", ""), limit)
        received = 0
        async for part in answer.content.iter_any():
            received += len(part)
            if received > limit:
                raise too_large(limit)
            body.add(part)
        content = body.whole() if received else b""
    except HttpFailure:
        answer.close()
        raise
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return HttpResponse(answer.status, media_type, answer.headers, content)


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


def _translate(driver: Any, error: Exception, request: HttpRequest, *, begun: bool) -> NoReturn:
    """Raise *error* as what is known of the request: never sent, perhaps received, or answered badly."""
    timeout = request.timeout
    if isinstance(error, driver.ConnectionTimeoutError):
        limit = min(request.connect or timeout, timeout)
        raise HttpTimedOut(f"no connection within {limit:g} s", sent=False, limit=limit) from error
    if isinstance(error, (driver.ClientConnectorCertificateError, driver.ClientConnectorSSLError)):
        raise HttpUnreachable(
            "the connection cannot be trusted", sent=False, why="its certificate or TLS handshake was refused"
        ) from error
    if isinstance(error, driver.ClientConnectorError):
        reason = "its name is not known" if isinstance(error, driver.ClientConnectorDNSError) else "nobody listens"
        raise HttpUnreachable("no connection could be made", sent=False, why=reason) from error
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, asyncio.TimeoutError):
        raise HttpTimedOut(f"no whole answer within {timeout:g} s", sent=True, begun=begun, limit=timeout) from error
    if isinstance(error, (driver.InvalidURL, driver.NonHttpUrlClientError)) or type(error) is ValueError:
        raise HttpUnreachable(
            "the request cannot be sent", sent=False, why="its address or a header is not valid"
        ) from error
    if isinstance(error, driver.ClientResponseError):
        raise ResponseUnreadable("the answer is not valid HTTP", sent=True) from error
    raise HttpLost("the connection was lost before the answer was whole", sent=True, begun=begun) from error
