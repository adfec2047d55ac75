"""Moments as text: RFC 3339 in UTC with microseconds, which sorts as it reads."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(seconds: float) -> str:
    """Return Unix *seconds* as `2026-11-21T07:36:00.123456Z`. Raises as `datetime` does beyond all years."""
    second = math.floor(seconds)
    micros = round((seconds - second) * 1_000_000)
    if micros == 1_000_000:
        second, micros = second + 1, 0
    return f"{_second(second)}.{micros:06}Z"


@lru_cache(16)
def _second(second: int) -> str:
    """Most moments that are written lie in the second that the last one lay in."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")[:-6]


def parse_rfc3339(text: str) -> float:
    """Return the Unix seconds of an RFC 3339 moment. Raises `ValueError`, also where it has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset from UTC, such as Z")
    return (moment - _EPOCH).total_seconds()
