"""What reads a warehouse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from interlock.integration.connectors.interface import Answer
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.queries import Query
from interlock.integration.connectors.warehouse.threads import Job, Threads

MOST_THREADS = 4


class Engine(Protocol):
    """Runs one statement at a time per call, and cannot write."""

    async def open(self) -> None:
        """Make ready; contacts nothing."""
        ...

    async def close(self) -> None:
        """Stop what is under way, and release everything. Doing it again changes nothing."""
        ...

    async def read(self, query: Query, page: Page, timeout: float) -> Answer:
        """Give *page* the rows of *query*; the answer's output says as of when they are, None for as it is now.

        Ends within *timeout*, and when it is cancelled, what it runs is stopped. Raises the kinds of `FilesTrouble`.
        """
        ...

    async def probe(self, timeout: float) -> Answer:
        """Say whether what is declared can be reached. Raises the kinds of `FilesTrouble`."""
        ...


class ThreadedEngine(ABC):
    """An engine whose driver blocks; *concurrency* is how many reads there may be at once."""

    def __init__(self, concurrency: int, name: str) -> None:
        self._threads = Threads(min(MOST_THREADS, concurrency), f"interlock-{name}")

    async def open(self) -> None:
        await self._threads.open()

    async def close(self) -> None:
        await self._threads.close()

    async def read(self, query: Query, page: Page, timeout: float) -> Answer:
        return await self._threads.run(lambda job: self._read(query, page, job), timeout)

    async def probe(self, timeout: float) -> Answer:
        return await self._threads.run(self._look, timeout)

    @abstractmethod
    def _read(self, query: Query, page: Page, job: Job) -> Answer:
        """Read, in a thread."""

    @abstractmethod
    def _look(self, job: Job) -> Answer:
        """Look whether all can be reached, in a thread."""
