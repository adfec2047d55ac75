"""Moments as text: RFC 3339 in UTC with microseconds, which sorts as it reads."""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(seconds: float) -> str:
    """Return Unix *seconds* as `2026-11-21T07:36:00.123456Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> float:
    """Return the Unix seconds of an RFC 3339 moment. Raises `ValueError`, also where it has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset from UTC, such as Z")
    return (moment - _EPOCH).total_seconds()
