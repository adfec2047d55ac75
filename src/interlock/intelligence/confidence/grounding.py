"""Grounding: how much of an answer stands in the text that it was given to work from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_SHORT = 3
"""Words of fewer letters carry grammar rather than facts; figures count whatever their length."""


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value, as texts; true, false and null stand nowhere."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def grounding(answer: Iterable[str], source: Iterable[str]) -> float | None:
    """Return the share of the words of *answer* that occur in *source*, 0 to 1; None for an answer without words.

    Capitals, accents and the ending of a number of things do not matter. A figure occurs only if it is written there
    with the same digits: a wrong amount is not grounded by a similar one.
    """
    told = [word for text in answer for word in _words(text)]
    if not told:
        return None
    known = {word for text in source for word in _words(text)}
    return sum(word in known for word in told) / len(told)


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    for word in _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter))):
        if word[0].isdigit():
            yield _figure(word)
        elif len(word) >= _SHORT:
            yield word.removesuffix("s")


def _figure(text: str) -> str:
    """Return a figure without its separators and without zeros that change nothing after the point."""
    head, point, tail = text.rpartition(max(".,", key=text.rfind))
    if point and len(tail) != 3:
        digits = tail.rstrip("0")
        whole = head.replace(".", "").replace(",", "")
        return f"{whole}.{digits}" if digits else whole
    return text.replace(".", "").replace(",", "")
