"""One run of a program: bounded in time, memory and output, and ended for certain, with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_INHERITED = ("LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_LINGER = 1.0
"""Seconds for which output is read after the program has ended: what it started may still hold its output open."""


class OutputTooLarge(Exception):
    """A program says more than it may."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did: its exit code (negative: the signal that ended it) and its standard output."""

    code: int
    output: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """*output* is in bytes; so is *memory*, of address space for each process (0: no limit)."""

    output: int
    memory: int = 0


async def run(
    words: Sequence[str], given: bytes, *, folder: Path, environment: Mapping[str, str], bounds: Bounds
) -> Outcome:
    """Run a program to its end. Standard error is not read: it may hold anything.

    Raises `OSError` where it cannot start, and `OutputTooLarge`. However it ends, cancelled too, nothing of it is left.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=PIPE if given else DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=folder,
        env=inherited | dict(environment),
        start_new_session=True,
    )
    try:
        if bounds.memory:
            with contextlib.suppress(ProcessLookupError):  # it may have ended already
                resource.prlimit(process.pid, resource.RLIMIT_AS, (bounds.memory, bounds.memory))
        giving = asyncio.create_task(_give(process, given))
        reading = asyncio.create_task(_read(process, bounds.output))
        try:
            waiting = asyncio.create_task(_ended(process))
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()  # which may say that it was too much
            code = await waiting
            await asyncio.wait({reading}, timeout=_LINGER)
            if not reading.done():
                _kill(process)
            return Outcome(code, await reading)
        finally:
            for task in (giving, reading, waiting):
                task.cancel()
            await asyncio.gather(giving, reading, waiting, return_exceptions=True)
    finally:
        _kill(process)
        await _reaped(process)


async def _ended(process: Process) -> int:
    """Return the exit code as soon as the program itself has ended. `Process.wait` waits for whoever still holds its
    output open, too.
    """
    pause = 0.001
    while process.returncode is None:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return process.returncode


async def _give(process: Process, given: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # it need not read all of it
        process.stdin.write(given)
        await process.stdin.drain()
    with contextlib.suppress(ConnectionError):
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read(process: Process, most: int) -> bytes:
    assert process.stdout is not None
    pieces, size = [], 0
    while piece := await process.stdout.read(1 << 16):
        size += len(piece)
        if size > most:
            raise OutputTooLarge
        pieces.append(piece)
    return b"".join(pieces)


def _kill(process: Process) -> None:
    """End the program and everything that it started and that did not leave its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _reaped(process: Process) -> None:
    """Let go of the process's pipes, and wait until it is gone."""
    process._transport.close()  # type: ignore[attr-defined]  # a full pipe that nobody reads would stay open
    await process.wait()
