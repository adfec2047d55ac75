"""The HTTP protocol with limits on a head, of which the driver has none; nobody is known before it is read."""

from __future__ import annotations

import asyncio

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interlock.experience.api.errors import HeadTooLarge

LARGEST_HEAD = 64 << 10
"""Bytes of a request line and headers that are read before the caller is turned away."""
HEAD_TIME = 30.0
"""Seconds within which a head has to arrive whole."""
_PROBLEM = orjson.dumps(HeadTooLarge(f"the request line and headers are larger than {LARGEST_HEAD} bytes").problem())
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: application/problem+json\r\ncontent-length: %d\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class BoundedProtocol(HttpToolsProtocol):
    """Reads at most `LARGEST_HEAD` bytes of a head, for at most `HEAD_TIME` seconds."""

    _head = 0
    _reading_head = True
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the driver has it
        super().connection_made(transport)
        self._alarm = self.loop.call_later(HEAD_TIME, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if not self._reading_head or not self._head or self.transport.is_closing():
            return
        if self._head > LARGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._alarm is None:  # a further request on the connection has begun
            self._alarm = self.loop.call_later(HEAD_TIME, self.transport.close)

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reading_head, self._head = True, 0
        super().on_message_complete()

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
