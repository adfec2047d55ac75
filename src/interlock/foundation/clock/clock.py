"""The clock that everything asks, and the machine's own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time. `now` may jump when the machine's clock is set; `monotonic` never runs backwards."""

    def now(self) -> float:
        """Return the Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment, for measuring and waiting."""
        ...


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
