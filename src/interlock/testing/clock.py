"""A clock that stands still until it is told to move."""

from __future__ import annotations


class FixedClock:
    """A `Clock` for tests: `now` and `monotonic` change only by `advance` and `set`."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass for both. Raises `ValueError` if they are negative."""
        if seconds < 0:
            raise ValueError("time only advances; use set() for a machine whose clock was put back")
        self._now += seconds
        self._monotonic += seconds

    def set(self, now: float) -> None:
        """Put the wall clock to *now*, forwards or back; `monotonic` does not notice."""
        self._now = now
