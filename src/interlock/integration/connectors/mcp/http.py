"""The streamable HTTP transport over the house's own client: pooled, bounded, and clear on what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from interlock.foundation.http import HttpClient, HttpFailure, HttpRequest, HttpResponse
from interlock.foundation.http.rests import asked
from interlock.integration.connectors.authentication import Authentication
from interlock.integration.connectors.mcp.messages import (
    NoAnswer,
    cancelled,
    decoded,
    encoded,
    events,
    is_answer,
    request_of,
    unanswered_request,
)
from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

GOODBYE = 1.0
LONGEST_WAIT = 3600.0
_SESSION = "Mcp-Session-Id"


@dataclass(slots=True)
class HttpTransport:
    """One server at one address. *ended* is called when the server has forgotten the session.

    An answer is read whole, within *max_bytes* and *timeout* seconds, whether it comes as JSON or as a stream of
    events; what the server asks in between is not answered.
    """

    http: HttpClient
    url: str
    authentication: Authentication
    timeout: float
    max_bytes: int
    ended: Callable[[], None]
    _session: str = ""
    _posts: dict[Any, asyncio.Task[None]] = field(default_factory=dict)

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Yield the streams that the protocol's client reads from and writes to."""
        import anyio

        incoming, reading = anyio.create_memory_object_stream[Any](0)
        writing, outgoing = anyio.create_memory_object_stream[Any](0)
        pump = asyncio.create_task(self._pump(outgoing, incoming))
        try:
            yield reading, writing
        finally:
            tasks = [pump, *self._posts.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (incoming, reading, writing, outgoing):
                stream.close()
            await self._goodbye()

    async def _pump(self, outgoing: Any, incoming: Any) -> None:
        async for message in outgoing:
            gone = cancelled(message)
            if gone is not None and (post := self._posts.get(gone)) is not None:
                post.cancel()
            request = request_of(message)
            name = request.id if request is not None else object()
            task = asyncio.create_task(self._post(message, request, incoming))
            self._posts[name] = task
            task.add_done_callback(partial(self._done, name))

    def _done(self, name: Any, _: asyncio.Task[None]) -> None:
        self._posts.pop(name, None)

    async def _post(self, message: SessionMessage, request: Any, incoming: Any) -> None:
        try:
            answers = self._read(await self._send(message), request)
        except HttpFailure as failure:
            answers = [_lost(request, failure)] if request is not None else []
        except InterlockError as error:  # a secret that is missing
            reason = NoAnswer.of(error)
            answers = [unanswered_request(request, reason)] if request is not None else []
        for answer in answers:
            await incoming.send(answer)

    async def _send(self, message: SessionMessage) -> HttpResponse:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if self._session:
            headers[_SESSION] = self._session
        headers |= getattr(message.metadata, "headers", None) or {}
        self.authentication.sign(headers)
        return await self.http.send(
            HttpRequest("POST", self.url, headers, encoded(message), self.timeout, self.max_bytes)
        )

    def _read(self, response: HttpResponse, request: Any) -> list[SessionMessage]:
        """Return the messages of *response*; where none of them answers *request*, one that says so."""
        self._session = response.headers.get(_SESSION, self._session)
        found: list[SessionMessage] = []
        try:
            if response.is_json:
                found = [decoded(response.body)]
            elif response.media_type == "text/event-stream":
                found = [decoded(event) for event in events(response.body)]
        except ValueError:
            found = []
        if request is None or any(is_answer(message, request) for message in found):
            return found
        return [*found, unanswered_request(request, self._why(response))]

    def _why(self, response: HttpResponse) -> NoAnswer:
        status = response.status
        if status == 404 and self._session:
            self._session = ""
            self.ended()
            return NoAnswer("unreachable", "the server has forgotten the session", sent=False)
        if status in {401, 403}:
            return NoAnswer("access_denied", "the server does not accept our credentials", sent=False, transient=False)
        if status == 429:
            return _too_often(response)
        if 300 <= status < 400:
            return NoAnswer("redirected", "the server answered with a redirect, which is not followed", transient=False)
        if status >= 500:
            return NoAnswer("system_error", f"the server failed with status {status}")
        if status >= 400:
            return NoAnswer("refused", f"the server refused with status {status}", sent=False, transient=False)
        return NoAnswer("result_breaks_contract", "the server's answer is not of the protocol", transient=False)

    async def _goodbye(self) -> None:
        """Tell the server that the session is over, if it keeps one."""
        if not self._session:
            return
        headers = {_SESSION: self._session}
        try:
            self.authentication.sign(headers)
            await self.http.send(HttpRequest("DELETE", self.url, headers, None, GOODBYE, self.max_bytes))
        except InterlockError:
            return  # it will forget the session by itself


def _lost(request: Any, failure: HttpFailure) -> SessionMessage:
    if not failure.sent:
        return unanswered_request(
            request, NoAnswer("unreachable", failure.what, sent=False, transient=failure.transient)
        )
    codes = {"http_timed_out": "timed_out", "http_lost": "connection_lost"}
    return unanswered_request(
        request, NoAnswer(codes.get(failure.code, failure.code), failure.what, transient=failure.transient)
    )


def _too_often(response: HttpResponse) -> NoAnswer:
    """Return what it means that the server is asked too often, and when it may be asked again, if it says so."""
    wait = asked(response.headers)
    detail = "the server asks us to slow down"
    if wait is None:
        return NoAnswer("rate_limited", detail, sent=False, transient=False)
    return NoAnswer("rate_limited", detail, sent=False, retry_after=min(wait, LONGEST_WAIT))
