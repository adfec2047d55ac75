"""A token bucket: so many a second, so many at once."""

from __future__ import annotations

from interlock.foundation.clock import Clock


class Rate:
    """A token bucket, filled by *per_second* and holding at most *burst* tokens (by default one second's
    worth).

    It is full at first. Not for use from several threads.
    """

    __slots__ = ("_burst", "_clock", "_per_second", "_seen", "_tokens")

    def __init__(self, per_second: float, *, clock: Clock, burst: float = 0.0) -> None:
        if per_second <= 0:
            raise ValueError("a rate is above 0")
        self._per_second = per_second
        self._burst = max(burst or per_second, 1.0)
        self._clock = clock
        self._tokens = self._burst
        self._seen = clock.monotonic()

    def take(self, tokens: float = 1.0) -> float:
        """Take *tokens* and return 0, or take none and return the seconds after which they will be there.

        Raises `ValueError` for more tokens than the bucket can hold.
        """
        return self._wait_for(tokens, 0.0, take_always=False)

    def reserve(self, limit: float) -> float | None:
        """Take one token, if need be from the future, and return the seconds to wait before using it.

        Returns None and takes nothing if that would be more than *limit* seconds. Callers are served in turn.
        """
        wait = self._wait_for(1.0, limit, take_always=True)
        return wait if wait <= limit else None

    def _wait_for(self, tokens: float, limit: float, *, take_always: bool) -> float:
        if tokens > self._burst:
            raise ValueError("more tokens than the bucket holds")
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._per_second)
        self._seen = now
        wait = max(0.0, (tokens - self._tokens) / self._per_second)
        if wait == 0.0 or (take_always and wait <= limit):
            self._tokens -= tokens
        return wait
