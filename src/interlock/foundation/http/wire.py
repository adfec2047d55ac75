"""One connection: requests go out and answers come in, one after the other, by the strict reading of HTTP/1.1.

Whatever is not clearly the answer to what was asked closes the connection: no later request may take it for its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from interlock.foundation.http.answers import Answer, has_body
from interlock.foundation.http.errors import HttpFailure, ResponseUnreadable
from interlock.foundation.http.headers import Headers
from interlock.foundation.http.places import Place
from interlock.foundation.http.unpacking import too_large

MOST_IN_A_LINE = 16 * 1024
MOST_IN_A_HEAD = 64 * 1024
# How much of a stream is held for a reader that is slower than its writer.
HELD = 256 * 1024
_JOINED = 64 * 1024
_VERSIONS = frozenset({"1.0", "1.1"})


class Wire(asyncio.Protocol):
    """A connection to *place*, as a protocol of asyncio. *gone* is told when it is closed."""

    def __init__(self, place: Place, gone: Callable[[Wire], None]) -> None:
        self.place = place
        self.idle_since = 0.0
        self.clock = asyncio.get_running_loop().time
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._parser: HttpResponseParser | None = None
        self._is_paused = False
        self._begin()

    def _begin(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._fields_size = 0
        self._framing_size = 0  # what came since the last byte of a body
        self._fault: HttpFailure | None = None
        self._is_first = True
        self._is_interim = False
        self._is_complete = False
        self._lasts_until_close = False
        self._may_be_kept = False

    @property
    def is_good(self) -> bool:
        """Whether, as far as is known, the other side still listens."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, head: bytes, answer: Answer) -> None:
        """Send *head* and the body of the request of *answer*, which then hears what comes back."""
        transport, body = self._transport, answer.request.body
        assert transport is not None  # by `is_good`, with nothing awaited since
        self._answer = answer
        if self._parser is None:
            self._parser = HttpResponseParser(self)
        self._begin()
        answer.watch(self.abort)
        if not body:
            transport.write(head)
        elif len(body) < _JOINED:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def leave(self) -> bool:
        """Part from the answer. Return whether the connection may be used again: it was read, and sent, to the end."""
        answer, transport, self._answer = self._answer, self._transport, None
        if answer is None or transport is None:
            return False
        ended_well = answer.done and answer.failure is None and self._may_be_kept
        answer.end(answer.lost())
        if not ended_well or transport.is_closing() or transport.get_write_buffer_size():
            return False
        self.go_on()
        return True

    def go_on(self) -> None:
        """Read on after the reader has taken what was held for it."""
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        answer, parser = self._answer, self._parser
        if answer is None or answer.done or parser is None:  # nobody asked, or more than the answer
            self.abort()
            return
        answer.heard_at = self.clock()
        if self._is_first and data[0] != ord("H"):  # the parser would also take other protocols, and empty lines
            self._fail(_unreadable())
            return
        self._is_first = False
        had_body = answer.size
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(self._fault or _unreadable())
            return
        if self._is_complete:
            answer.end()
        elif answer.size == had_body:  # of a head, or of what frames a body
            self._framing_size += len(data)
            if self._framing_size > MOST_IN_A_HEAD:
                self._fail(_unreadable())
            elif answer.has_begun and not answer.whole:
                answer.wake()
        else:
            self._framing_size = 0
            if not answer.whole:
                answer.wake()
                self._hold_back(answer)

    def _hold_back(self, answer: Answer) -> None:
        if answer.size > HELD and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._ended(None)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._parser = None
        self._ended(exc)
        self._gone(self)

    def _ended(self, error: Exception | None) -> None:
        answer = self._answer
        if answer is None or answer.done:
            return
        if self._lasts_until_close and error is None:
            answer.end()
        else:
            answer.end(answer.lost())

    def _fail(self, failure: HttpFailure) -> None:
        if self._answer is not None:
            self._answer.end(failure)
        self.abort()

    # What the parser tells

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise self._refused()

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value)
        self._fields_size += size
        if size > MOST_IN_A_LINE or self._fields_size > MOST_IN_A_HEAD:
            raise self._refused()
        if self._answer is not None and not self._answer.has_begun:  # what follows a body is not looked at
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        answer, parser = self._answer, self._parser
        assert answer is not None
        assert parser is not None
        status = parser.get_status_code()
        if parser.get_http_version() not in _VERSIONS or status < 100 or status == 101:
            raise self._refused()
        if status < 200:
            self._is_interim = True
            self._fields.clear()
            return
        codings = [value for name, value in self._fields if name.lower() == b"transfer-encoding"]
        if codings and [one.strip().lower() for one in codings] != [b"chunked"]:
            raise self._refused()
        answer.status, answer.headers = status, Headers(self._fields)
        answer.has_begun = True
        announced = answer.headers.get("content-length")
        if not has_body(answer):
            self._is_complete = True
            self._may_be_kept = parser.should_keep_alive()
            if answer.request.method.upper() == "HEAD":
                self._parser = None  # it would wait for the body
        elif announced is not None:
            if answer.whole and int(announced) > answer.request.max_bytes:
                raise self._refused(too_large(answer.request.max_bytes))
        else:
            self._lasts_until_close = not codings

    def on_body(self, part: bytes) -> None:
        answer = self._answer
        if answer is None or self._is_complete:
            raise self._refused()
        try:
            answer.add(part)
        except HttpFailure as failure:
            raise self._refused(failure) from None

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        elif not self._is_complete and self._parser is not None:
            self._is_complete = True
            self._may_be_kept = self._parser.should_keep_alive()

    def _refused(self, failure: HttpFailure | None = None) -> HttpFailure:
        self._fault = failure or _unreadable()
        return self._fault


def _unreadable() -> ResponseUnreadable:
    return ResponseUnreadable("the answer is not valid HTTP", sent=True)
