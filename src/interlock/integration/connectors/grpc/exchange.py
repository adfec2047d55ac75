"""One call over a channel: what came, and how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

CANCELLED, OK, TOO_LARGE = "CANCELLED", "OK", "TOO_LARGE"
HEALTH = "/grpc.health.v1.Health/Check"
"""A method that changes nothing, which many systems have."""


@dataclass(frozen=True, slots=True)
class Request:
    """One message to one method. *metadata* are pairs; *most* is how many messages are read, of at most *size* bytes
    together; *settled* says that how the call ended has to be known, even after so many.
    """

    path: str
    content: bytes = field(repr=False)
    metadata: tuple[tuple[str, str], ...] = field(repr=False, default=())
    most: int = 1
    size: int = 1 << 20
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call. *status* is a name of gRPC's, `TOO_LARGE` for more bytes than are read, or empty where
    reading was stopped; *details* and *trailing* are the system's words.
    """

    messages: tuple[bytes, ...] = field(repr=False)
    status: str
    details: str = field(default="", repr=False)
    trailing: tuple[tuple[str, str | bytes], ...] = field(default=(), repr=False)
    more: bool = False


async def exchange(channel: Any, request: Request, timeout: float) -> Reply:
    """Send *request* and return what came within *timeout* seconds, whatever that is."""
    from grpc import aio

    call = channel.unary_stream(request.path)(request.content, timeout=timeout, metadata=request.metadata)
    messages: list[bytes] = []
    size = 0
    try:
        while True:
            if len(messages) == request.most and not request.settled:
                return Reply(tuple(messages), "", more=True)
            message = await call.read()
            if message is aio.EOF:
                break
            if len(messages) == request.most:
                return Reply(tuple(messages), "", more=True)
            size += len(message)
            if size > request.size:
                return Reply((), TOO_LARGE)
            messages.append(message)
        status, details = await call.code(), await call.details()
        trailing = tuple((str(key), value) for key, value in await call.trailing_metadata() or ())
    except aio.AioRpcError as error:
        trailing = tuple((str(key), value) for key, value in error.trailing_metadata() or ())
        return Reply(tuple(messages), error.code().name, error.details() or "", trailing)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Reply(tuple(messages), CANCELLED)  # not we: the channel was closed under the call
    finally:
        call.cancel()
    return Reply(tuple(messages), status.name, details or "", trailing)
