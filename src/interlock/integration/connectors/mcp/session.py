"""One warm session with an MCP server, owned by one task and used by many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.mcp.messages import NoAnswer
from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from mcp.client.session import ClientSession

Connect = Callable[[Callable[[], None]], AbstractAsyncContextManager[Any]]
"""Takes what to call when the transport ends, and returns the transport."""

AWAY = NoAnswer("unreachable", "no session with the server could be opened", sent=False)


class SessionRefused(Exception):
    """No session could be opened; *reason* says why. Becomes an answer before it leaves the connector."""

    def __init__(self, reason: NoAnswer) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class WarmSession:
    """Opens a session at first use, keeps it, and opens another when it has ended.

    The protocol's client must be entered and left by one task, so a task of its own holds it open.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[None] | None = None
        self._end = asyncio.Event()
        self._session: ClientSession | None = None

    async def get(self) -> ClientSession:
        """Return the open session. Raises `SessionRefused`."""
        if self._session is not None and not self._end.is_set():
            return self._session
        async with self._lock:
            if self._session is not None and not self._end.is_set():
                return self._session
            await self._leave()
            return await self._open()

    async def close(self) -> None:
        """Leave the session, if there is one."""
        async with self._lock:
            await self._leave()

    async def _open(self) -> ClientSession:
        self._end = asyncio.Event()
        ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        owner = asyncio.create_task(self._own(ready, self._end), name="mcp session")
        try:
            await asyncio.wait((ready, owner), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            owner.cancel()
            await asyncio.gather(owner, return_exceptions=True)
            raise
        if not ready.done():
            raise SessionRefused(_reason(owner.exception()))
        self._owner, self._session = owner, ready.result()
        return self._session

    async def _own(self, ready: asyncio.Future[ClientSession], end: asyncio.Event) -> None:
        from mcp import Client

        async with Client(self._connect(end.set), cache=None) as client:
            ready.set_result(client.session)
            await end.wait()

    async def _leave(self) -> None:
        owner, self._owner, self._session = self._owner, None, None
        self._end.set()
        if owner is not None:
            await asyncio.gather(owner, return_exceptions=True)


def _reason(error: BaseException | None) -> NoAnswer:
    """Return why no session came about, from whatever it failed with."""
    from mcp import MCPError

    if isinstance(error, BaseExceptionGroup):
        return _reason(error.exceptions[0])
    if isinstance(error, MCPError) and isinstance(error.data, NoAnswer):
        return replace(error.data, sent=False, retry_after=0.0)
    if isinstance(error, InterlockError):  # a secret that is missing
        return NoAnswer.of(error)
    if isinstance(error, FileNotFoundError | PermissionError):
        return NoAnswer("unreachable", "the server's program cannot be started", sent=False, transient=False)
    return AWAY
