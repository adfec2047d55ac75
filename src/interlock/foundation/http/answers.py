"""What comes back: an answer read to its end or while it comes, and what its failures say of the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from interlock.foundation.http.errors import (
    HttpFailure,
    HttpLost,
    HttpTimedOut,
    HttpUnreachable,
    ResponseUnreadable,
)
from interlock.foundation.http.exchange import HttpRequest, HttpResponse
from interlock.foundation.http.unpacking import body_for, too_large

if TYPE_CHECKING:
    import aiohttp


class HttpStream:
    """An answer whose head has come. *media_type* is lower case and without parameters; *headers* ignore case."""

    def __init__(self, driver: Any, answer: aiohttp.ClientResponse, request: HttpRequest) -> None:
        self._driver = driver
        self._answer = answer
        self._request = request
        self.status: int = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.media_type = media_type(answer)

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, at most `max_bytes` of it. Raises a kind of `HttpFailure`."""
        if self.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise ResponseUnreadable("the answer is packed, which was not asked for", sent=True)
        received, limit = 0, self._request.max_bytes
        try:
            async for part in self._answer.content.iter_any():
                received += len(part)
                if received > limit:
                    raise too_large(limit)
                yield part
        except (self._driver.ClientError, TimeoutError, OSError, ValueError) as error:
            translate(self._driver, error, self._request, begun=True)

    async def whole(self) -> HttpResponse:
        """Return the answer read to its end. Raises a kind of `HttpFailure`."""
        try:
            return await whole(self._answer, self._request.max_bytes)
        except (self._driver.ClientError, TimeoutError, OSError, ValueError) as error:
            translate(self._driver, error, self._request, begun=True)


async def whole(answer: aiohttp.ClientResponse, limit: int) -> HttpResponse:
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
    return HttpResponse(answer.status, media_type(answer), answer.headers, content)


def media_type(answer: aiohttp.ClientResponse) -> str:
    """Return the media type that *answer* names, without parameters and in lower case."""
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def translate(driver: Any, error: Exception, request: HttpRequest, *, begun: bool) -> NoReturn:
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
    if isinstance(error, driver.SocketTimeoutError) and request.idle:
        raise HttpTimedOut(
            f"nothing came for {request.idle:g} s", sent=True, begun=begun, limit=request.idle
        ) from error
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, asyncio.TimeoutError):
        raise HttpTimedOut(f"no whole answer within {timeout:g} s", sent=True, begun=begun, limit=timeout) from error
    if isinstance(error, (driver.InvalidURL, driver.NonHttpUrlClientError)) or type(error) is ValueError:
        raise HttpUnreachable(
            "the request cannot be sent", sent=False, why="its address or a header is not valid"
        ) from error
    if isinstance(error, driver.ClientResponseError):
        raise ResponseUnreadable("the answer is not valid HTTP", sent=True) from error
    raise HttpLost("the connection was lost before the answer was whole", sent=True, begun=begun) from error
