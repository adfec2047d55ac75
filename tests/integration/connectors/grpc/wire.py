"""A server that speaks just enough HTTP/2 (RFC 9113) to break the rules of gRPC in every way that a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
GOOD = {":status": "200", "content-type": "application/grpc"}


class Stream:
    """One call, whole; what is written to it goes out as it is."""

    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self._number = number
        self._writer = writer

    def headers(self, fields: dict[str, str], *, end: bool = False) -> None:
        block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields.items())
        self._frame(_HEADERS, _END_HEADERS | (_END_STREAM if end else 0), block)

    def message(self, content: bytes, *, packed: bool = False) -> None:
        self.raw(bytes([packed]) + len(content).to_bytes(4, "big") + content)

    def raw(self, content: bytes) -> None:
        for start in range(0, len(content), 16_384):
            self._frame(_DATA, 0, content[start : start + 16_384])

    def status(self, code: int, **more: str) -> None:
        self.headers(
            {"grpc-status": str(code)} | {key.replace("_", "-"): value for key, value in more.items()}, end=True
        )

    def reset(self, code: int) -> None:
        self._frame(_RESET, 0, code.to_bytes(4, "big"))

    def goaway(self, code: int) -> None:
        self._writer.write(_framed(_GOAWAY, 0, 0, self._number.to_bytes(4, "big") + code.to_bytes(4, "big")))

    def garble(self) -> None:
        """Say what is no frame at all."""
        self._writer.write(b"\xff" * 40)

    def abort(self) -> None:
        """Let the connection die."""
        self._writer.transport.abort()

    def _frame(self, kind: int, flags: int, content: bytes) -> None:
        self._writer.write(_framed(kind, flags, self._number, content))


Behaviour = Callable[[Stream], object]


@asynccontextmanager
async def breaking(behave: Behaviour) -> AsyncIterator[int]:
    """Run a server that treats every call as *behave* does, and yield its port."""
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        with suppress(asyncio.IncompleteReadError, OSError):
            await reader.readexactly(len(_PREFACE))
            writer.write(_framed(_SETTINGS, 0, 0, b""))
            while True:
                head = await reader.readexactly(9)
                content = await reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
                if kind == _SETTINGS and not flags & _ACK:
                    writer.write(_framed(_SETTINGS, _ACK, 0, b""))
                elif kind == _PING and not flags & _ACK:
                    writer.write(_framed(_PING, _ACK, 0, content))
                elif kind in {_DATA, _HEADERS} and flags & _END_STREAM:
                    behave(Stream(number, writer))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*tasks)
        await listener.wait_closed()


def _framed(kind: int, flags: int, number: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + content


def _text(text: str) -> bytes:
    """Return *text* as HPACK (RFC 7541) writes it plainly."""
    content = text.encode()
    if len(content) < 127:
        return bytes([len(content)]) + content
    rest, size = len(content) - 127, bytearray([127])
    while rest >= 128:
        size.append(rest % 128 + 128)
        rest //= 128
    return bytes(size) + bytes([rest]) + content


def said(code: str, message: str = "x") -> Callable[[Stream], None]:
    """Answer with a status and nothing else."""
    return lambda stream: stream.headers({**GOOD, "grpc-status": code, "grpc-message": message}, end=True)
