"""Forms of short texts, made once: a value is looked at when it is proposed, when it is sent, when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps

LONGEST = 64
"""Only texts of at most this many characters are kept, so that what is kept stays small."""
MOST = 2048


def kept(forms: Callable[[str], Iterable[str]]) -> Callable[[str], Sequence[str]]:
    """Return *forms*, which depends on its text alone, so that it is not made again for a short text of late."""
    made = lru_cache(MOST)(lambda text: tuple(forms(text)))

    @wraps(forms)
    def known(text: str) -> Sequence[str]:
        return made(text) if len(text) <= LONGEST else tuple(forms(text))

    return known
