"""A bulkhead: so many at once, so many waiting, and no more."""

from __future__ import annotations

import asyncio
from collections import deque


class Bulkhead:
    """Lets *limit* callers in at once and *queue* more wait their turn; belongs to one event loop.

    Every `enter` that returned true is followed by one `leave`.
    """

    def __init__(self, limit: int, *, queue: int = 0) -> None:
        if limit < 1 or queue < 0:
            raise ValueError("a bulkhead lets at least one in, and its queue is not negative")
        self._limit = limit
        self._queue = queue
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def inside(self) -> int:
        """How many are in."""
        return self._inside

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def try_enter(self) -> bool:
        """Enter if there is room now and nobody waits."""
        if self._inside >= self._limit or self._waiting:
            return False
        self._inside += 1
        return True

    async def enter(self, timeout: float) -> bool:
        """Enter, waiting at most *timeout* seconds in turn; false if the queue is full or time is up."""
        if self.try_enter():
            return True
        if len(self._waiting) >= self._queue or timeout <= 0:
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        try:
            done, _ = await asyncio.wait((turn,), timeout=timeout)
        except asyncio.CancelledError:
            self._give_up(turn)
            raise
        if done:
            return True
        self._give_up(turn)
        return False

    def leave(self) -> None:
        """Leave, which lets the one who has waited longest in."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place passes on, so `inside` stays as it is
                return
        self._inside -= 1

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        """Leave the queue, or give back a place that came at the same moment."""
        if turn.done():
            self.leave()
        else:
            turn.cancel()
            self._waiting.remove(turn)
