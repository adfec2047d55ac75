"""One program on a pseudo-terminal of its own, ended for certain with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROWS, COLUMNS = 24, 200
_INHERITED = ("LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_FAREWELL = 0.5
"""Seconds that a program has for ending by itself once nobody is at the terminal any more."""


class Ended(Exception):
    """The program has gone, or lets nobody type."""


class Flooded(Exception):
    """The program shows more than it may."""


class Session:
    """Our end of the terminal: what is typed goes in, what is shown comes out."""

    def __init__(self, ours: int, most: int) -> None:
        self._ours = ours
        self._left = most
        self._loop = asyncio.get_running_loop()

    async def read(self) -> bytes:
        """Return what is shown next. Raises `Ended`, and `Flooded`."""
        ready = self._loop.create_future()
        self._loop.add_reader(self._ours, _tell, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(self._ours)
        try:
            data = os.read(self._ours, 1 << 16)
        except BlockingIOError:
            return b""
        except OSError as error:  # nobody holds the other end any more
            raise Ended from error
        if not data:
            raise Ended
        self._left -= len(data)
        if self._left < 0:
            raise Flooded
        return data

    def skip(self) -> None:
        """Read what is shown already, for nobody. Raises `Flooded`."""
        with contextlib.suppress(OSError):  # there is no more, or nobody any more
            while data := os.read(self._ours, 1 << 16):
                self._left -= len(data)
                if self._left < 0:
                    raise Flooded

    async def type(self, data: bytes) -> None:
        """Type *data*. Raises `Ended`."""
        while data:
            ready = self._loop.create_future()
            self._loop.add_writer(self._ours, _tell, ready)
            try:
                await ready
            finally:
                self._loop.remove_writer(self._ours)
            try:
                data = data[os.write(self._ours, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Ended from error


@asynccontextmanager
async def session(
    words: Sequence[str], *, folder: Path, environment: Mapping[str, str], most: int
) -> AsyncIterator[Session]:
    """Run a program that may show *most* bytes; whatever happens, nothing of it is left afterwards.

    Raises `OSError` where it cannot start.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    ours, theirs = pty.openpty()
    try:
        try:
            _prepare(ours, theirs)
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=folder,
                env={"TERM": "vt100"} | inherited | dict(environment),
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            yield Session(ours, most)
            await _farewell(process)
        finally:
            _signal(process, signal.SIGKILL)
            await process.wait()
    finally:
        os.close(ours)


def _prepare(ours: int, theirs: int) -> None:
    """Set the size, and let the terminal itself repeat nothing of what is typed."""
    os.set_blocking(ours, False)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    modes = termios.tcgetattr(theirs)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, modes)


async def _farewell(process: Process) -> None:
    """Hang up, and give the program a moment to end by itself."""
    _signal(process, signal.SIGHUP)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL):
            await process.wait()


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
