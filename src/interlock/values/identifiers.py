"""Identifiers: time-sortable, unguessable, with a prefix that says what they name."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def new_id(prefix: str) -> str:
    """Return `prefix_` and 26 characters: 48 bits of Unix milliseconds, then 82 random bits.

    Ids of one prefix sort by the millisecond they were made in; the random part is from the operating system.
    """
    number = (time.time_ns() // 1_000_000) << 82 | int.from_bytes(os.urandom(11), "big") >> 6
    pairs = _PAIRS
    text = "".join([pairs[(number >> shift) & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{text}"
