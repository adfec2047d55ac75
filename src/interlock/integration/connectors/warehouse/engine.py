"""What reads a warehouse."""

from __future__ import annotations

from typing import Protocol

from interlock.integration.connectors.interface import Answer
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.queries import Query


class Engine(Protocol):
    """Runs one statement at a time per call, and cannot write."""

    async def open(self) -> None:
        """Make ready; contacts nothing."""
        ...

    async def close(self) -> None:
        """Stop what is under way, and release everything. Doing it again changes nothing."""
        ...

    async def read(self, query: Query, page: Page, timeout: float) -> Answer:
        """Give *page* the rows of *query*; the answer's output says as of when they are.

        Ends within *timeout*, and when it is cancelled, what it runs is stopped. Raises the kinds of `FilesTrouble`.
        """
        ...

    async def probe(self, timeout: float) -> Answer:
        """Say whether what is declared can be reached. Raises the kinds of `FilesTrouble`."""
        ...
