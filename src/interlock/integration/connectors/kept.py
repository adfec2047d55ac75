"""Sessions with a system that nobody uses at the moment, kept for whoever comes next."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock
from typing import Generic, Protocol, TypeVar

IDLE = 60.0
"""Seconds for which a session that nobody uses is kept."""


class Parting(Protocol):
    """A session, as far as keeping it goes."""

    def part(self) -> None:
        """Say goodbye and close. Raises nothing, and waits for nobody."""
        ...


S = TypeVar("S", bound=Parting)


class Kept(Generic[S]):
    """At most *most* sessions; the one that came last is given out first. Used by many threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: deque[tuple[float, S]] = deque()
        self._closed = False
        self._lock = Lock()

    def take(self) -> S | None:
        """Return a session that was not idle for too long, None where there is none."""
        self.sweep()
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def put(self, session: S) -> None:
        """Keep *session*, or part with it where there are enough or all are closed."""
        with self._lock:
            if not self._closed and len(self._idle) < self._most:
                self._idle.append((time.monotonic(), session))
                return
        session.part()

    def sweep(self) -> bool:
        """Part with those that were idle for too long; return whether any is left."""
        old: list[S] = []
        with self._lock:
            while self._idle and time.monotonic() - self._idle[0][0] >= IDLE:
                old.append(self._idle.popleft()[1])
            left = bool(self._idle)
        for session in old:
            session.part()
        return left

    def close(self) -> None:
        """Part with all, and with those in use when they are put back."""
        with self._lock:
            self._closed, idle = True, [session for _, session in self._idle]
            self._idle.clear()
        for session in idle:
            session.part()
