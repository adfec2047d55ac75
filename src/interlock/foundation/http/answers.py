"""What comes back for one request: kept as its connection hears it, and read whole or while it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

from interlock.foundation.http.errors import HttpFailure, HttpLost, HttpTimedOut, ResponseUnreadable
from interlock.foundation.http.exchange import HttpRequest, HttpResponse
from interlock.foundation.http.unpacking import body_for, too_large

_NOTHING: Mapping[str, str] = {}
# Timers may fire this much early, by the resolution of a loop's clock.
_EARLY = 0.002


class Answer:
    """The answer to *request* as far as it has come.

    With *whole* it is collected up to the limit of *request*, and only its end or its failure is news; else each part
    is. *deadline* is that of the whole exchange, by the clock of *loop*.
    """

    __slots__ = (
        "_dropped",
        "_loop",
        "_news",
        "_timer",
        "deadline",
        "done",
        "failure",
        "has_begun",
        "headers",
        "heard_at",
        "parts",
        "request",
        "size",
        "status",
        "whole",
    )

    def __init__(self, request: HttpRequest, loop: asyncio.AbstractEventLoop, deadline: float, *, whole: bool) -> None:
        self.request = request
        self.whole = whole
        self.deadline = deadline
        self.status = 0
        self.headers = _NOTHING
        self.has_begun = False
        self.parts: list[bytes] = []
        self.size = 0
        self.done = False
        self.failure: HttpFailure | None = None
        self.heard_at = loop.time()
        self._loop = loop
        self._news: asyncio.Future[None] | None = None
        self._dropped: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, drop: Callable[[], None]) -> None:
        """Begin to mind the time; *drop* closes the connection of an answer that takes too long."""
        self._dropped = drop
        self._set_timer(self._loop.time())

    def add(self, part: bytes) -> None:
        """Take the next part of the body. Raises `ResponseTooLarge` where the whole is collected."""
        self.size += len(part)
        if self.whole and self.size > self.request.max_bytes:
            raise too_large(self.request.max_bytes)
        self.parts.append(part)

    def take(self) -> list[bytes]:
        """Return the parts that have come since, and forget them."""
        parts, self.parts, self.size = self.parts, [], 0
        return parts

    def end(self, failure: HttpFailure | None = None) -> None:
        """Hear that nothing more will come, because of *failure* or because that was all."""
        if self.done:
            return
        self.done, self.failure = True, failure
        self._dropped = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look at what has come."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def news(self) -> None:
        """Wait until something has come. The time without anything counts only while somebody waits."""
        self._news = self._loop.create_future()
        self.heard_at = self._loop.time()
        try:
            await self._news
        finally:
            self._news = None

    def lost(self) -> HttpLost:
        """Return the failure of a connection that ended too early."""
        state = "was whole" if self.has_begun else "came"
        return HttpLost(f"the connection was lost before the answer {state}", sent=True, begun=self.has_begun)

    def _set_timer(self, now: float) -> None:
        at, idle = self.deadline, self.request.idle
        if idle:
            at = min(at, (now if self._news is None else self.heard_at) + idle)
        self._timer = self._loop.call_at(at, self._timed)

    def _timed(self) -> None:
        now, idle, total = self._loop.time() + _EARLY, self.request.idle, self.request.timeout
        if now >= self.deadline:
            what, limit = f"no whole answer within {total:g} s", total
        elif idle and self._news is not None and now >= self.heard_at + idle:
            what, limit = f"nothing came for {idle:g} s", idle
        else:
            self._set_timer(now)
            return
        drop = self._dropped
        self.end(HttpTimedOut(what, sent=True, begun=self.has_begun, limit=limit))
        if drop is not None:
            drop()


class HttpStream:
    """An answer whose head has come. *media_type* is lower case and without parameters; *headers* ignore case."""

    def __init__(self, answer: Answer, more: Callable[[], None]) -> None:
        self._answer = answer
        self._more = more
        self.status = answer.status
        self.headers = answer.headers
        self.media_type = media_type(answer.headers)

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, at most `max_bytes` of it. Raises a kind of `HttpFailure`."""
        if self.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise ResponseUnreadable("the answer is packed, which was not asked for", sent=True)
        received, limit = 0, self._answer.request.max_bytes
        while parts := await self._next():
            for part in parts:
                received += len(part)
                if received > limit:
                    raise too_large(limit)
                yield part

    async def whole(self) -> HttpResponse:
        """Return the answer read to its end. Raises a kind of `HttpFailure`."""
        limit = self._answer.request.max_bytes
        announced = self.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limit and has_body(self._answer):
            raise too_large(limit)
        collected: list[bytes] = []
        received = 0
        while parts := await self._next():
            received += sum(map(len, parts))
            if received > limit:
                raise too_large(limit)
            collected += parts
        return response(self._answer, collected)

    async def _next(self) -> list[bytes]:
        """Wait for what comes next, and return it; nothing at the end."""
        answer = self._answer
        while not (answer.parts or answer.done):
            self._more()
            await answer.news()
        if not answer.parts and answer.failure is not None:
            raise answer.failure
        return answer.take()


def has_body(answer: Answer) -> bool:
    """Return whether *answer* may have a body, whatever its head announces (RFC 9112, section 6.3)."""
    return answer.request.method.upper() != "HEAD" and answer.status not in {204, 304}


def response(answer: Answer, parts: list[bytes]) -> HttpResponse:
    """Return *answer* with the body that *parts* make, unpacked. Raises a kind of `HttpFailure`."""
    content, headers = b"", answer.headers
    body = body_for(headers.get("Content-Encoding", ""), answer.request.max_bytes)
    if parts:
        for part in parts:
            body.add(part)
        content = body.whole()
    return HttpResponse(answer.status, media_type(headers), headers, content)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type that *headers* name, without parameters and in lower case."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()
