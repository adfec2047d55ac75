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
    place = _first(hidden_keys(text), untrusted)
    if place is None:
        place = _row(text, untrusted)
    if place is not None:
        return [place]
    found = _parts(text, untrusted, known)
    if found:
        return found
    for decoded in decodings(text):
        for one in (decoded, *decoded.replace(";", ",").replace(" ", ",").split(",")):
            place = _first(hidden_keys(one), untrusted) if len(one) >= 4 else None
            if place is not None:
                return [place]
    for one in turned(wide(text)) if 5 <= len(text) <= LONGEST_ASSEMBLED else ():
        place = untrusted(one)
        if place is not None and known(one) is None:
            return [place]
    place = assembled(compact(wide(text)), untrusted, known)
    return [] if place is None else [place]


def _first(keys: Iterable[str], lookup: Lookup) -> int | None:
    for key in keys:
        place = lookup(key) if key else None
        if place is not None:
            return place
    return None


def _row(text: str, lookup: Lookup) -> int | None:
    """The place of a text that holds all of the value's words side by side."""
    spoken = words(wide(text))
    pairs = [f"{one} {other}" for one, other in pairwise(spoken)] or spoken
    places = [lookup(pair) for pair in pairs]
    return places[0] if places and None not in places else None


def _parts(text: str, untrusted: Lookup, known: Lookup) -> list[int]:
    """The places of distinctive words, and of neighbouring words, that only outsiders' text holds."""
    spoken = words(wide(text))
    parts = [word for word in spoken if len(word) > 2 and not word.isalpha()]
    parts += [f"{one} {other}" for one, other in pairwise(spoken)]
    found = [place for part in parts if (place := untrusted(part)) is not None and known(part) is None]
    return list(dict.fromkeys(found))


def assembled(bare: str, untrusted: Lookup, known: Lookup) -> int | None:
    """Return a place if the whole of a compact form is made of remembered pieces, one of them at least an outsider's."""
    size = len(bare)
    if not LEAST_PIECE * 2 <= size <= LONGEST_ASSEMBLED:
        return None
    reached: dict[int, int | None] = {0: None}
    for start in range(size - LEAST_PIECE + 1):
        if start not in reached:
            continue
        for end in range(start + LEAST_PIECE, min(start + LONGEST_PIECE, size) + 1):
            piece = bare[start:end]
            place = untrusted(piece)
            if place is not None:
                reached[end] = place
            elif end not in reached and known(piece) is not None:
                reached[end] = reached[start]
    return reached.get(size)
