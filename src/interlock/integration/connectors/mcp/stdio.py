"""The stdio transport: a server that we start, one message a line, bounded, and ended for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.mcp.messages import decoded, encoded

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

PATIENCE = 2.0  # seconds that a server has to end by itself, and then again
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")


@dataclass(slots=True)
class StdioTransport:
    """One server process. *ended* is called when it has ended or broken the rules.

    Of our environment it sees only what a program needs to run, and *environment*.
    """

    command: Sequence[str]
    folder: Path
    environment: Callable[[], Mapping[str, str]]
    max_bytes: int
    ended: Callable[[], None]

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Start the server and yield the streams of the protocol's client. Raises `OSError` where it cannot start."""
        import anyio

        process = await self._start()
        incoming, reading = anyio.create_memory_object_stream[Any](0)
        writing, outgoing = anyio.create_memory_object_stream[Any](0)
        tasks = [
            asyncio.create_task(self._hear(process, incoming)),
            asyncio.create_task(self._say(process, outgoing)),
        ]
        try:
            yield reading, writing
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (incoming, reading, writing, outgoing):
                stream.close()
            await _end(process)

    async def _start(self) -> Process:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *self.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=self.folder,
            env=inherited | dict(self.environment()),
            limit=self.max_bytes,
            start_new_session=True,
        )

    async def _hear(self, process: Process, incoming: Any) -> None:
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                if not line.strip():
                    continue
                try:
                    message = decoded(line)
                except ValueError:
                    continue  # a server's stray print
                await incoming.send(message)
        except ValueError:
            _signal(process, signal.SIGTERM)  # a line above the limit: nothing it says can be trusted any more
        finally:
            incoming.close()
            self.ended()

    async def _say(self, process: Process, outgoing: Any) -> None:
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            async for message in outgoing:
                process.stdin.write(encoded(message) + b"\n")
                await process.stdin.drain()


async def _end(process: Process) -> None:
    """Let the server end by itself, then ask, then make it; with it go the processes that it started."""
    leftovers = asyncio.create_task(_drain(process))
    if process.stdin is not None:
        process.stdin.close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL):
        if sign is not None:
            _signal(process, sign)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            continue
        break
    _signal(process, signal.SIGKILL)
    await asyncio.wait((leftovers,), timeout=PATIENCE)
    leftovers.cancel()


def _signal(process: Process, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, sign)


async def _drain(process: Process) -> None:
    """Read what the server still says: it may wait to be heard, and only then its pipe is closed."""
    assert process.stdout is not None
    while await process.stdout.read(1 << 16):
        pass
