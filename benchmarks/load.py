"""A closed loop of keep-alive connections that send one prepared request again and again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the loop saw."""

    answers: int
    errors: int
    seconds: float
    first_error: bytes = b""


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return an HTTP/1.1 request ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def closed_loop(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send *request* over each connection as soon as the answer before has come, for *seconds*."""
    end = time.perf_counter() + seconds
    started = time.perf_counter()
    results = await asyncio.gather(*(_connection(port, request, end) for _ in range(connections)))
    answers = sum(result[0] for result in results)
    errors = sum(result[1] for result in results)
    first = next((result[2] for result in results if result[2]), b"")
    return Load(answers, errors, time.perf_counter() - started, first)


async def counted(port: int, request: bytes, *, connections: int, calls: int) -> None:
    """Send *request* so many times over all connections. Raises `RuntimeError` for an answer that is an error."""
    await asyncio.gather(*(_series(port, request, calls // connections) for _ in range(connections)))


async def _series(port: int, request: bytes, calls: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(calls):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(reader, head)
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head!r} {body[:400]!r}")
    writer.close()


async def _connection(port: int, request: bytes, end: float) -> tuple[int, int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = errors = 0
    first = b""
    while time.perf_counter() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(reader, head)
        answers += 1
        if not head.startswith(b"HTTP/1.1 2") or b'"isError":true' in body or b'"state":"denied"' in body:
            errors += 1
            first = first or head + body
    writer.close()
    return answers, errors, first


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head.lower():
        return await reader.readexactly(_length(head))
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    body = b"".join(parts)
    if b"text/event-stream" in head and not body.endswith(b"data: [DONE]\n\n"):
        raise RuntimeError(f"a stream did not end: {body[-400:]!r}")
    return body


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + 15
    return int(head[at : head.index(b"\r\n", at)])
