"""Calls of drivers that block: each in a thread of the connector's own, which the loop ends when time is over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from interlock.integration.connectors.interface import Answer, failed
from interlock.integration.connectors.kept import IDLE

PARTING = 0.25
"""Seconds that a thread has to notice that its connection was cut."""


class Cuttable(Protocol):
    """One call, as the loop sees it."""

    def cut(self) -> None:
        """End its connections; doing it again, or after its end, changes nothing."""
        ...


E = TypeVar("E", bound=Cuttable)


class Errands(Generic[E]):
    """The calls of one connector that run, at most *threads* at once.

    *sweep* closes what nobody used for too long, and returns whether any is left: it runs now and then as long as so.
    """

    def __init__(self, threads: int, name: str, sweep: Callable[[], bool]) -> None:
        self._threads = threads
        self._name = name
        self._sweep = sweep
        self._sweeping: asyncio.TimerHandle | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._running: set[E] = set()

    def open(self) -> bool:
        """Take calls from now on; return whether that is new."""
        if self._executor is not None:
            return False
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        return True

    async def close(self) -> bool:
        """Cut what runs and wait for its end; return whether there was anything to close."""
        executor, self._executor = self._executor, None
        if executor is None:
            return False
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for errand in tuple(self._running):
            errand.cut()
        await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)
        return True

    async def run(
        self, errand: E, work: Callable[[E], Answer], late: Callable[[E], Answer], *, timeout: float
    ) -> Answer:
        """Return what *work* answers of *errand* in a thread, or, when time is over, what *late* does."""
        if self._executor is None:
            return failed("unreachable", "the connector is closed", sent=False)
        self._running.add(errand)
        try:
            task = asyncio.get_running_loop().run_in_executor(self._executor, work, errand)
            await asyncio.wait({task}, timeout=timeout)
            if not task.done():
                errand.cut()
                await asyncio.wait({task}, timeout=PARTING)
            return task.result() if task.done() else late(errand)
        finally:
            errand.cut()
            self._running.discard(errand)
            self._sweep_later()

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._executor is not None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE / 2, self._swept)

    def _swept(self) -> None:
        self._sweeping = None
        if self._executor is not None:
            asyncio.get_running_loop().run_in_executor(self._executor, self._sweep).add_done_callback(self._go_on)

    def _go_on(self, swept: asyncio.Future[bool]) -> None:
        if not swept.cancelled() and swept.result():
            self._sweep_later()


def end(one: socket.socket) -> None:
    """End a connection that another thread may be using. Where it has TLS, nothing is ever written without it.

    The method of a socket with TLS first takes its TLS away, and what is written at that moment is in the clear.
    """
    with suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)
