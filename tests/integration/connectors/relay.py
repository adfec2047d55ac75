"""Stands before a real server and fails as networks and servers do, once a request holds a certain text."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import ClassVar, Self


class Relay:
    """Passes octets on to *there*, a port of this machine or a socket, until a request holds *trigger*: then it does as
    *fault* says. It listens at *here*, a socket, or else at `port` of this machine.

    `before` cuts without passing the request on, `after` passes it on and cuts instead of answering, `silent` passes no
    answer on any more, `garbled` answers with noise, `truncated` with the first half of the answer, `endless` with
    one that does not end, `dripping` with the same, an octet now and then, `slow` with all of it in pieces; a protocol
    may know more. The fault begins with the *first* request that holds the trigger, counted from one; `requests` counts
    them all.
    """

    noise: ClassVar[bytes] = b"\xff\xfe\xfd"
    """What is said instead of an answer that can be read."""
    long: ClassVar[bytes] = b""
    """How an answer without end begins."""

    def __init__(
        self,
        there: int | Path,
        trigger: bytes | re.Pattern[bytes],
        fault: str = "",
        *,
        here: Path | None = None,
        first: int = 1,
    ) -> None:
        self.port = 0
        self.requests = 0
        self.connections = 0
        self.fault = fault
        self._first = first
        self._there = there
        self._here = here
        self._trigger = _pattern(trigger)
        self._listener: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        if self._here is not None:
            self._listener = await asyncio.start_unix_server(self._accept, self._here)
        else:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        await self.cut()

    def arm(self, trigger: bytes, fault: str) -> None:
        """Wait for another *trigger* with another *fault*."""
        self._trigger, self.fault = _pattern(trigger), fault

    async def cut(self) -> None:
        """End all connections, and see them ended."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def live(self) -> int:
        """How many connections have not ended."""
        return sum(not task.done() for task in self._serving)

    def refusal(self, request: bytes) -> bytes:
        """Return what *fault* answers instead of the server, which then hears nothing; empty for nothing."""
        return b""

    def altered(self, answer: bytes) -> bytes | None:
        """Return what *fault* makes of an *answer* and goes on, None for a fault that ends the connection."""
        return None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._there, Path):
            there_reader, there_writer = await asyncio.open_unix_connection(self._there)
        else:
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
            if self._trigger.search(data):
                self.requests += 1
                if self.fault and self.requests >= self._first:
                    faulty.set()
                if faulty.is_set() and self.fault == "before":
                    here.transport.abort()
                    break
                if faulty.is_set() and (refusal := self.refusal(data)):
                    here.write(refusal)
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
            elif (altered := self.altered(data)) is not None:
                here.write(altered)
            elif self.fault != "silent":
                await self._fail(data, here)
                return

    async def _fail(self, data: bytes, here: asyncio.StreamWriter) -> None:
        if self.fault == "garbled":
            here.write(self.noise)
        elif self.fault == "truncated":
            here.write(data[: len(data) // 2])
        elif self.fault in {"endless", "dripping"}:
            here.write(self.long)
        while self.fault == "endless":
            here.write(bytes(1 << 16))
            await here.drain()
        while self.fault == "dripping":
            here.write(b"\0")
            await here.drain()
            await asyncio.sleep(0.02)
        await here.drain()
        here.close()


def _pattern(trigger: bytes | re.Pattern[bytes]) -> re.Pattern[bytes]:
    return re.compile(re.escape(trigger)) if isinstance(trigger, bytes) else trigger
