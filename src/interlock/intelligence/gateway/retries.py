"""How often one target is asked again, and after which pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retries:
    """At most *times* more, after pauses by chance of up to *wait* seconds, doubled each time, never above *longest*.

    The whole range down to 0 is used (full jitter), so that callers who failed together do not come back together.
    """

    times: int = 0
    wait: float = 0.25
    longest: float = 8.0

    def pause(self, retried: int, *, rest: float, left: float, chance: Callable[[], float]) -> float | None:
        """Return the seconds to wait after *retried* retries, or None to give the target up.

        *rest* is for how long the target wants to be left alone: the pause comes after it, and both are never longer
        than *longest*.
        There is no retry that could not begin within the *left* seconds of the route.
        """
        if retried >= self.times or rest > self.longest:
            return None
        ceiling = min(self.longest, self.wait * 2.0 ** min(retried, 60))
        pause = min(self.longest, rest + chance() * ceiling)
        return pause if pause < left else None


NO_RETRIES = Retries()
