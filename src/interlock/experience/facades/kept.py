"""Answers that are given again while they are valid: each to the caller who had it, and to nobody else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.foundation.clock import Clock

MOST, LARGEST, LARGEST_ONE = 10_000, 64 << 20, 1 << 20
"""How many answers are kept, how many bytes of them in all, and how large one may be."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, the monotonic moments when it came and until when it is valid, and its size."""

    value: Any = field(repr=False)
    since: float
    until: float
    size: int


class KeptAnswers:
    """Bounded; the answer that was used longest ago goes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, KeptAnswer] = OrderedDict()
        self._bytes = 0

    def find(self, key: Hashable) -> tuple[Any, float, float] | None:
        """Return an answer that is still valid, with its age and how long it will be, both in seconds."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = self._clock.monotonic()
        if now >= kept.until:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.value, now - kept.since, kept.until - now

    def keep(self, key: Hashable, value: Any, seconds: float) -> None:
        """Keep an answer for so many seconds, unless it is too large."""
        size = len(orjson.dumps(value))
        if size > LARGEST_ONE:
            return
        self._drop(key)
        now = self._clock.monotonic()
        self._kept[key] = KeptAnswer(value, now, now + seconds, size)
        self._bytes += size
        while len(self._kept) > MOST or self._bytes > LARGEST:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size
