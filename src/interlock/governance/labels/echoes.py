"""What an agent itself sent out, unvouched: a system that gives it back vouches for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from interlock.governance.labels.hidden import assembled
from interlock.governance.labels.kept import kept
from interlock.governance.labels.normal import compact, wide, words
from interlock.governance.labels.suspects import suspects
from interlock.governance.labels.text import hidden_keys, leaf_forms

MOST_BYTES = 1 << 20
_COST = 90
_YES = 1


def sent_forms(value: Any) -> Sequence[str]:
    """Return every form in which a single value that was sent may come back."""
    return suspects(value) if isinstance(value, str) else leaf_forms(value)


class Echoes:
    """Values that were sent and that nobody vouched for, in every way in which they may come back.

    Bounded: when it is full, everything counts as an echo (`full`), for what is not remembered may be one.
    """

    __slots__ = ("_keys", "full", "used")

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self.used = 0
        """Roughly the bytes in use."""
        self.full = False

    def __bool__(self) -> bool:
        return bool(self._keys) or self.full

    def add(self, value: Any) -> None:
        """Remember that a single value was sent."""
        self.note(sent_forms(value))

    def note(self, forms: Iterable[str]) -> None:
        """Remember the forms of what was sent, as `sent_forms` has them."""
        if self.full:
            return
        for key in forms:
            if key and key not in self._keys:
                self._keys.add(key)
                self.used += len(key) + _COST
        if self.used > MOST_BYTES:
            self.full = True
            self._keys.clear()
            self.used = 0

    def has(self, value: Any) -> bool:
        """Return whether a single value that came back may be one that was sent, a part of it, or made of several."""
        if self.full:
            return True
        keys = self._keys
        if not keys:
            return False
        if not isinstance(value, str):
            return not keys.isdisjoint(leaf_forms(value))
        form = wide(value)
        if not keys.isdisjoint(hidden_keys(form)):
            return True
        pairs = _pairs(form)
        if pairs and sum(pair in keys for pair in pairs) * 2 > len(pairs):
            return True
        if value.isalpha():
            return False
        return assembled(compact(form), self._of, _nobody) is not None

    def _of(self, key: str) -> int | None:
        return _YES if key in self._keys else None


@kept
def _pairs(form: str) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(words(form))]


def _nobody(key: str) -> None:
    """Nothing that was sent is known to be right."""
    del key
