"""A raw HTTP/1.1 server that behaves exactly as it is told, also in ways that no honest server would."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

_FIRST_PORT, _MANY_PORTS = 28_000, 4_700
_PORTS = itertools.count(os.getpid() * 997 % _MANY_PORTS)


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ScriptedServer:
    """Listens on a free loopback port and lets *behaviour* answer; `received` holds what came.

    Use it as an asynchronous context manager. *behaviour* may be replaced at any time.
    """

    behaviour: Behaviour
    received: list[Received] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    connections: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0

    @property
    def url(self) -> str:
        """The address to send requests to, without a slash at its end."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    request = await _request(reader)
                    self.received.append(request)
                    await self.behaviour(request, writer)
                    await writer.drain()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            self._tasks.discard(task)


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)


def answers(
    status: int,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Behaviour:
    """Answer *status* with *body*: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {"content-length": str(len(content))} | ({"content-type": media_type} if content else {})

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, lines | dict(headers or {})) + content)

    return behave


def redirects(status: int, to: str) -> Behaviour:
    """Send the client elsewhere."""
    return answers(status, headers={"location": to})


def hangs() -> Behaviour:
    """Read the request and never answer."""

    async def behave(_: Received, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return behave


def resets() -> Behaviour:
    """Read the request and break the connection without a word."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


def cuts_off(announced: int = 1000) -> Behaviour:
    """Announce a body of *announced* bytes, send a few and close."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        lines = {"content-type": "application/json", "content-length": str(announced)}
        writer.write(head(200, lines) + b'{"id": ')
        await writer.drain()
        writer.close()

    return behave


def streams(part: bytes = b" " * 65536, *, pause: float = 0.0, packed: bool = False) -> Behaviour:
    """Send a body that never ends; with *pause*, so slowly that each single read succeeds."""
    encoding = {"content-encoding": "gzip"} if packed else {}
    lines = {"content-type": "application/json", "transfer-encoding": "chunked"} | encoding
    content = gzip.compress(part) if packed else part
    chunk = f"{len(content):x}\r\n".encode() + content + b"\r\n"

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, lines))
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def announces(size: int) -> Behaviour:
    """Announce a body of *size* bytes and send zeros until the client has had enough."""
    zeros = b"0" * 65536

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"content-type": "application/json", "content-length": str(size)}))
        for _part in range(size // len(zeros)):
            writer.write(zeros)
            await writer.drain()

    return behave


def slowly(behaviour: Behaviour, *, pieces: int = 20, pause: float = 0.01) -> Behaviour:
    """Behave as *behaviour*, with its answer in so many *pieces*, some seconds apart."""

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        written = _Written()
        await behaviour(request, cast("asyncio.StreamWriter", written))
        size = max(1, len(written) // pieces)
        for start in range(0, len(written), size):
            writer.write(bytes(written[start : start + size]))
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


class _Written(bytearray):
    """Takes what a behaviour writes."""

    def write(self, part: bytes) -> None:
        self += part

    async def drain(self) -> None:
        """There is room."""


def says(text: bytes) -> Behaviour:
    """Send *text* instead of an answer, whatever it is, and close."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        writer.close()

    return behave


def tells(*events: Any, ends: bool = True) -> Behaviour:
    """Stream *events* (server-sent events, section 9.2 of the HTML standard), each in a write of its own.

    Bytes are sent as they are, a text is the data of an event, an `asyncio.Event` is waited for, a behaviour takes over
    from there, anything else is JSON. Without *ends* the connection is closed before the body is whole.
    """
    lines = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, lines))
        for event in events:
            if isinstance(event, asyncio.Event):
                await writer.drain()
                await event.wait()
                continue
            if callable(event):
                await writer.drain()
                await event(request, writer)
                return
            text = event if isinstance(event, str) else "" if isinstance(event, bytes) else json.dumps(event)
            part = event if isinstance(event, bytes) else f"data: {text}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            await writer.drain()
            writer.close()

    return behave


def talks_until_left(left: asyncio.Event) -> Behaviour:
    """Go on with a stream by comments until the client goes away, then set *left*."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        comment = b": still here\n\n"
        try:
            while True:
                writer.write(b"%x\r\n%s\r\n" % (len(comment), comment))
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            left.set()
            raise

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave as each of *behaviours* once, then as the last for ever."""
    left = list(behaviours)

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return behave


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers as they go over the wire."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode("latin-1")


def free_port() -> int:
    """Return a loopback port on which nobody listens; no later call in this process returns it.

    It lies below those that systems lend to outgoing connections, and every process begins elsewhere, so that nobody
    is likely to take it before the caller does.
    """
    for number in itertools.islice(_PORTS, _MANY_PORTS):
        port = _FIRST_PORT + number % _MANY_PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no port from {_FIRST_PORT} on is free")
