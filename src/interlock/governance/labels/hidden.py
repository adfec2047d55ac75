"""Finding that a value is an outsider's, however it was dressed up: encoded, re-spelled, or put together from parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from interlock.governance.labels.decoding import decodings, turned
from interlock.governance.labels.normal import compact, wide, words
from interlock.governance.labels.text import hidden_keys

Lookup = Callable[[str], int | None]
"""Returns the number of the place that holds a key, or None."""

LONGEST = 4096
"""Characters of a value that are looked at closely."""
LONGEST_ASSEMBLED = 64
LEAST_PIECE, LONGEST_PIECE = 3, 32


def hidden(value: str, untrusted: Lookup, known: Lookup) -> list[int]:
    """Return the places of outsiders' text that *value*, which nobody vouches for, may have come from.

    *known* finds what a trusted source holds: such parts prove nothing.
    """
    text = value[:LONGEST]
    form = wide(text)
    place = _first(hidden_keys(form), untrusted)
    if place is not None:
        return [place]
    spoken = words(form)
    pairs = [f"{one} {other}" for one, other in pairwise(spoken)]
    places = [untrusted(pair) for pair in pairs or spoken]
    if places and None not in places and places[0] is not None:
        return [places[0]]
    parts = [word for word in spoken if len(word) > 2 and not word.isalpha()]
    found = [place for part in (*parts, *pairs) if (place := untrusted(part)) is not None and known(part) is None]
    if found:
        return list(dict.fromkeys(found))
    for decoded in decodings(text):
        for one in (decoded, *decoded.replace(";", ",").replace(" ", ",").split(",")):
            place = _first(hidden_keys(wide(one)), untrusted) if len(one) >= 4 else None
            if place is not None:
                return [place]
    for one in turned(form) if 5 <= len(form) <= LONGEST_ASSEMBLED else ():
        place = untrusted(one)
        if place is not None and known(one) is None:
            return [place]
    place = assembled(compact(form), untrusted, known)
    return [] if place is None else [place]


def _first(keys: Iterable[str], lookup: Lookup) -> int | None:
    for key in keys:
        place = lookup(key) if key else None
        if place is not None:
            return place
    return None


def assembled(bare: str, untrusted: Lookup, known: Lookup) -> int | None:
    """Return a place if all of a compact form is made of remembered pieces, at least one of them an outsider's."""
    size = len(bare)
    if not LEAST_PIECE * 2 <= size <= LONGEST_ASSEMBLED:
        return None
    reached: dict[int, int | None] = {0: None}
    for start in range(size - LEAST_PIECE + 1):
        if start not in reached:
            continue
        for end in range(start + LEAST_PIECE, min(start + LONGEST_PIECE, size) + 1):
            piece = bare[start:end]
            if known(piece) is not None:  # proves nothing, whoever else has written it
                if reached.get(end) is None:
                    reached[end] = reached[start]
            elif (place := untrusted(piece)) is not None:
                reached[end] = place
    return reached.get(size)
