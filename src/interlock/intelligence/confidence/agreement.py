"""Agreement of samples: what most of several answers say, and how many of them do (self-consistency)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def agreement(keys: Sequence[str | None]) -> tuple[int, float]:
    """Return the place of the first answer that most agree with, and their share of all, 0 to 1.

    *keys* has one text per sample that is the same for the same answer; None stands for a sample that gave none, which
    agrees with nothing and counts all the same. Where two answers have as many, the earlier one is meant. With no
    answer at all the place is -1 and the share 0.
    """
    counted = Counter(key for key in keys if key is not None)
    if not counted:
        return -1, 0.0
    key, most = max(counted.items(), key=lambda each: each[1])
    return keys.index(key), most / len(keys)
