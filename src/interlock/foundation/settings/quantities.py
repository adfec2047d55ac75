"""Durations, sizes and rates as people write them: `5s`, `250ms`, `4h`, `1MiB`, `50/s`."""

from __future__ import annotations

import re

from interlock.foundation.settings.errors import QuantityInvalid

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_DURATION = re.compile(rf"{_NUMBER}(ms|s|m|h|d)")
_SIZE = re.compile(rf"{_NUMBER}(B|kB|MB|GB|KiB|MiB|GiB)")
_RATE = re.compile(rf"{_NUMBER}/(ms|s|m|h|d)")


def duration(text: str) -> float:
    """Return the seconds that `5s`, `250ms`, `2m`, `4h` or `1d` stands for. Raises `QuantityInvalid`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise QuantityInvalid("this is no duration", fix="write it as 250ms, 5s, 2m, 4h or 1d")
    return float(found[1]) * _SECONDS[found[2]]


def size(text: str) -> int:
    """Return the bytes that `512B`, `64KiB`, `1MiB` or `1MB` stands for. Raises `QuantityInvalid`."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise QuantityInvalid("this is no size", fix="write it as 512B, 64KiB, 1MiB, 1GiB, 64kB, 1MB or 1GB")
    return int(float(found[1]) * _BYTES[found[2]])


def rate(text: str) -> float:
    """Return how often a second `50/s`, `100/m` or `5/h` allows. Raises `QuantityInvalid`, also for 0."""
    found = _RATE.fullmatch(text)
    if found is None or float(found[1]) == 0:
        raise QuantityInvalid("this is no rate", fix="write it as 50/s, 100/m, 5/h or 2/d, above 0")
    return float(found[1]) / _SECONDS[found[2]]
