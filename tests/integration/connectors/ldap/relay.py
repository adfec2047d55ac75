"""Stands before a directory and fails as networks and servers do, once a request holds a certain text."""

from __future__ import annotations

import asyncio
import re
from typing import Self

_LONG = b"\x30\x84\x7f\xff\xff\xff"  # the head of a message of two gigabytes
_GARBLED = b"\x30\x0c\x02\x01\x07\x65\x07\x0a\x01\x00\x04\x7f\x04\x00"  # its inner lengths lead outside
_RESULT = re.compile(rb"[\x61-\x79](?=\x07\x0a\x01)")
_ANSWERS = {0x63: 0x65, 0x66: 0x67, 0x68: 0x69, 0x4A: 0x6B, 0x6C: 0x6D, 0x6E: 0x6F, 0x60: 0x61, 0x77: 0x78}
"""The tag of the result, by that of the request."""
_REFUSALS = {"busy": 51, "unwilling": 53}


def tlv(tag: int, content: bytes) -> bytes:
    """Return an element of BER."""
    return bytes([tag, 0x82, len(content) >> 8, len(content) & 255]) + content


def head(request: bytes) -> tuple[bytes, int]:
    """Return the number of a request as it is written, and the tag of its result."""
    place = 2 + (request[1] & 127 if request[1] > 127 else 0)
    end = place + 2 + request[place + 1]
    return request[place:end], _ANSWERS[request[end]]


def result(request: bytes, code: int) -> bytes:
    """Return the result *code* of a request."""
    number, tag = head(request)
    return tlv(0x30, number + tlv(tag, tlv(0x0A, bytes([code])) + tlv(4, b"") + tlv(4, b"")))


class Relay:
    """Passes octets on to *port* of this machine, until a request holds *trigger*: then it does as *fault* says.

    `before` cuts without passing the request on, `after` passes it on and cuts instead of answering, `silent` passes no
    answer on any more, `garbled` answers with noise, `truncated` with the first half of the answer, `endless` with
    one that does not end, `dripping` with the same, an octet now and then, `slow` with all of it in pieces, `mistyped`
    with the result of something else; `busy` and `unwilling` pass nothing on and say that they are. The
    fault begins with the *first*
    request that holds the trigger, counted from one; `requests` counts them all.
    """

    def __init__(self, port: int, trigger: bytes, fault: str = "", *, first: int = 1) -> None:
        self.port = 0
        self.requests = 0
        self.connections = 0
        self.fault = fault
        self._first = first
        self._there = port
        self._trigger = trigger
        self._listener: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        await self.cut()

    def arm(self, trigger: bytes, fault: str) -> None:
        """Wait for another *trigger* with another *fault*."""
        self._trigger, self.fault = trigger, fault

    async def cut(self) -> None:
        """End all connections, and see them ended."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._there)
        self._writers += [writer, there_writer]
        faulty = asyncio.Event()
        await asyncio.gather(
            self._asks(reader, there_writer, writer, faulty),
            self._answers(there_reader, writer, faulty),
            return_exceptions=True,
        )
        writer.transport.abort()
        there_writer.transport.abort()

    async def _asks(
        self,
        reader: asyncio.StreamReader,
        there: asyncio.StreamWriter,
        here: asyncio.StreamWriter,
        faulty: asyncio.Event,
    ) -> None:
        while data := await reader.read(1 << 16):
            if self._trigger in data:
                self.requests += 1
                if self.fault and self.requests >= self._first:
                    faulty.set()
                if faulty.is_set() and self.fault == "before":
                    here.transport.abort()
                    break
                if faulty.is_set() and self.fault in _REFUSALS:
                    here.write(result(data, _REFUSALS[self.fault]))
                    faulty.clear()
                    continue
            there.write(data)
            await there.drain()
        there.transport.abort()

    async def _answers(self, there: asyncio.StreamReader, here: asyncio.StreamWriter, faulty: asyncio.Event) -> None:
        while data := await there.read(1 << 16):
            if not faulty.is_set():
                here.write(data)
                await here.drain()
            elif self.fault == "slow":
                for piece in (data[place : place + 5] for place in range(0, len(data), 5)):
                    here.write(piece)
                    await here.drain()
                    await asyncio.sleep(0.005)
            elif self.fault == "mistyped":
                here.write(_RESULT.sub(b"\x6d", data))
            elif self.fault != "silent":
                await self._fail(data, here)
                return

    async def _fail(self, data: bytes, here: asyncio.StreamWriter) -> None:
        if self.fault == "garbled":
            here.write(_GARBLED)
        elif self.fault == "truncated":
            here.write(data[: len(data) // 2])
        elif self.fault in {"endless", "dripping"}:
            here.write(_LONG)
        while self.fault == "endless":
            here.write(bytes(1 << 16))
            await here.drain()
        while self.fault == "dripping":
            here.write(b"\0")
            await here.drain()
            await asyncio.sleep(0.02)
        await here.drain()
        here.close()
