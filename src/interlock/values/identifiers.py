"""Identifiers: time-sortable, unguessable, with a prefix that says what they name."""

from __future__ import annotations

import hashlib
import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


class _Randomness:
    """Random bytes, asked of the operating system many at a time; never shared with a forked process."""

    def __init__(self) -> None:
        self._pool = b""
        os.register_at_fork(after_in_child=self._empty)

    def _empty(self) -> None:
        self._pool = b""

    def take(self, size: int) -> bytes:
        if len(self._pool) < size:
            self._pool = os.urandom(size * 128)
        taken, self._pool = self._pool[:size], self._pool[size:]
        return taken


_RANDOMNESS = _Randomness()


def new_id(prefix: str) -> str:
    """Return `prefix_` and 26 characters: 48 bits of Unix milliseconds, then 82 random bits.

    Ids of one prefix sort by the millisecond they were made in; the random part is from the operating system.
    """
    return _written(prefix, (time.time_ns() // 1_000_000) << 82 | int.from_bytes(_RANDOMNESS.take(11), "big") >> 6)


def named_id(prefix: str, *words: str) -> str:
    """Return the id of the form of `new_id` that *words* stand for: the same everywhere, of other words another.

    It tells nothing of its age, and whoever knows the words knows it.
    """
    spoken = b"".join(b"%d:" % len(word.encode()) + word.encode() for word in words)
    return _written(prefix, int.from_bytes(hashlib.sha256(spoken).digest(), "big") >> 126)


def _written(prefix: str, number: int) -> str:
    pairs = _PAIRS
    text = "".join([pairs[(number >> shift) & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{text}"
