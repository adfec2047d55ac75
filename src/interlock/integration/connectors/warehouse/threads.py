"""Blocking work in threads, which is interrupted when its time is over or nobody waits for it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from interlock.integration.connectors.files.errors import TimeOver
from interlock.integration.connectors.files.places.interface import Errand
from interlock.integration.connectors.warehouse.errors import Closed

_AGAIN = 0.02
"""Seconds between two interruptions: one that comes between two steps of the work is lost."""
_PARTING = 0.5
"""Seconds that a thread has to end, once it is interrupted, before its caller is answered without it."""

T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """One piece of work: its *errand*, how what it runs just now is interrupted, and how it is withdrawn before a
    thread has begun it, which returns whether that was so.
    """

    errand: Errand
    interrupt: Callable[[], Any] | None = None
    withdraw: Callable[[], bool] | None = None

    def stop(self) -> None:
        """Let the work go no further than it is."""
        self.errand.deadline = 0.0
        if self.interrupt is not None:
            self.interrupt()


class Threads:
    """At most *most* pieces of work at once."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._jobs: dict[asyncio.Future[Any], Job] = {}
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
        await asyncio.gather(*(self._stop(future, job) for future, job in list(self._jobs.items())), *self._stopping)
        await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def run(self, work: Callable[[Job], T], timeout: float) -> T:
        """Return what *work* returns. Raises what it raises, `TimeOver` after *timeout*, and `Closed`."""
        if self._executor is None:
            raise Closed("the connector is closed")
        job = Job(Errand(time.monotonic() + timeout))
        waiting = self._executor.submit(work, job)
        job.withdraw = waiting.cancel
        future = asyncio.wrap_future(waiting)
        self._jobs[future] = job
        future.add_done_callback(self._ended)
        try:
            await asyncio.wait({future}, timeout=timeout)
        except asyncio.CancelledError:
            self._stop_later(future, job)
            raise
        if not future.done():
            stopping = self._stop_later(future, job)
            await asyncio.wait({stopping}, timeout=_PARTING)
        if future.done() and not future.cancelled():
            return future.result()
        raise TimeOver("the time limit passed")

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._jobs.pop(future, None)
        if not future.cancelled():
            future.exception()  # nobody may be waiting for it

    def _stop_later(self, future: asyncio.Future[Any], job: Job) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._stop(future, job))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        return task

    async def _stop(self, future: asyncio.Future[Any], job: Job) -> None:
        if job.withdraw is not None and job.withdraw():
            return
        while not future.done():
            job.stop()
            await asyncio.wait({future}, timeout=_AGAIN)
