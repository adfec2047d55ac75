"""Blocking work in threads, which is interrupted when its time is over or nobody waits for it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from interlock.integration.connectors.files.errors import TimeOver
from interlock.integration.connectors.files.places.interface import Errand
from interlock.integration.connectors.warehouse.errors import Closed

_AGAIN = 0.02
"""Seconds between two interruptions: one that comes between two steps of the work is lost."""
_PARTING = 0.5
"""Seconds that a thread has to end, once it is interrupted, before its caller is answered without it."""

T = TypeVar("T")


class Job:
    """One piece of work: its *errand*, and what its thread can be interrupted in just now."""

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self._interrupt: Callable[[], Any] | None = None
        self._lock = Lock()

    @contextmanager
    def interruptible(self, interrupt: Callable[[], Any]) -> Iterator[None]:
        """Let the block be interrupted by *interrupt*, which is not called any more once it is left."""
        with self._lock:
            self._interrupt = interrupt
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def stop(self) -> None:
        """Let the work go no further than it is. May take a moment."""
        self.errand.deadline = 0.0
        with self._lock:
            if self._interrupt is not None:
                self._interrupt()


class Threads:
    """At most *most* pieces of work at once."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._jobs: dict[asyncio.Future[Any], tuple[Job, Future[Any]]] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Make ready for work."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._most, thread_name_prefix=self._name)

    async def close(self) -> None:
        """Stop all work, and wait for its threads to end."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        await asyncio.gather(*map(self._stop, list(self._jobs)), *self._stopping)
        await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def run(self, work: Callable[[Job], T], timeout: float) -> T:
        """Return what *work* returns. Raises what it raises, `TimeOver` after *timeout*, and `Closed`."""
        if self._executor is None:
            raise Closed("the connector is closed")
        job = Job(Errand(time.monotonic() + timeout))
        waiting = self._executor.submit(work, job)
        future = asyncio.wrap_future(waiting)
        self._jobs[future] = job, waiting
        future.add_done_callback(self._ended)
        try:
            await asyncio.wait({future}, timeout=timeout)
        except asyncio.CancelledError:
            self._stop_later(future)
            raise
        if not future.done():
            stopping = self._stop_later(future)
            await asyncio.wait({stopping}, timeout=_PARTING)
        if future.done() and not future.cancelled():
            return future.result()
        raise TimeOver("the time limit passed")

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._jobs.pop(future, None)
        if not future.cancelled():
            future.exception()  # nobody may be waiting for it

    def _stop_later(self, future: asyncio.Future[Any]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._stop(future))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        return task

    async def _stop(self, future: asyncio.Future[Any]) -> None:
        job, waiting = self._jobs.get(future, (None, None))
        if job is None or waiting is None or waiting.cancel():
            return  # it has ended, or no thread has begun it and none will
        while not future.done():
            await asyncio.to_thread(job.stop)  # a driver may ask its server
            await asyncio.wait({future}, timeout=_AGAIN)
