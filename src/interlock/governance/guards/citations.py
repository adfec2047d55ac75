"""Answers that must say where they have it from: passages with ids in what was given, citations of them in an answer.

A passage begins with its marker `[doc:ID]` and ends with the next marker, with `[/doc]`, or with the text that it
stands in. An answer cites it by the same marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MARK = re.compile(r"\[doc:([A-Za-z0-9][A-Za-z0-9._:/#-]{0,127})\]")
_END = "[/doc]"
_QUOTED = re.compile(r'"([^"]{1,4000})"|“([^”“]{1,4000})”|„([^“”„]{1,4000})[“”]|«([^»«]{1,4000})»|»([^«»]{1,4000})«')
_BETWEEN = re.compile(r"[\s.,;:!?()]*")
_GAP = re.compile(r"\[?(?:…|\.\.\.)\]?")
FEWEST_WORDS = 3
"""A quotation of fewer words is a name or an emphasis, not words of a passage."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the citations of an answer: the *rule* in our words alone, and more for whoever gave it."""

    rule: str
    more: str


class Passages:
    """The passages of what was given."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._passages: dict[str, list[str]] = {}
        for text in texts:
            for name, passage in _passages(text):
                self._passages.setdefault(name, []).append(_plain(passage))

    def __bool__(self) -> bool:
        return bool(self._passages)

    def flaws(self, text: str) -> list[Flaw]:
        """Return what is wrong with the citations in *text*; empty where it cites what was given and quotes it rightly.

        It must cite something; each passage that it cites must have been given; each quotation of at least
        `FEWEST_WORDS` words must stand in the passages named right behind it, or in any that are cited where none is.
        Case, white space, the punctuation at its end and what it leaves out by an ellipsis do not matter.
        """
        cited = [mark[1] for mark in _MARK.finditer(text)]
        if not cited:
            return [Flaw("it cites nothing", "It cites no passage. Cite each one that you use as [doc:ID].")]
        invented = sorted({name for name in cited if name not in self._passages})
        flaws = [Flaw("it cites what was not given", f"There is no passage [doc:{name}].") for name in invented[:5]]
        for quotation, behind in _quotations(text):
            sources = [passage for name in behind or cited for passage in self._passages.get(name, ())]
            if not _stands_in(quotation, sources):
                flaws.append(Flaw("it quotes what does not stand there", f'"{quotation[:200]}" does not stand there.'))
        return flaws


def _passages(text: str) -> Iterator[tuple[str, str]]:
    marks = list(_MARK.finditer(text))
    for at, mark in enumerate(marks):
        end = marks[at + 1].start() if at + 1 < len(marks) else len(text)
        passage, _, _ = text[mark.end() : end].partition(_END)
        yield mark[1], passage


def _quotations(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each quotation with the ids right behind it."""
    for found in _QUOTED.finditer(text):
        quotation = next(part for part in found.groups() if part is not None)
        if len(_MARK.sub("", quotation).split()) < FEWEST_WORDS:
            continue
        behind, place = [], _past(text, found.end())
        while (mark := _MARK.match(text, place)) is not None:
            behind.append(mark[1])
            place = _past(text, mark.end())
        yield _MARK.sub("", quotation), behind


def _past(text: str, place: int) -> int:
    between = _BETWEEN.match(text, place)
    return between.end() if between is not None else place


def _stands_in(quotation: str, sources: Iterable[str]) -> bool:
    """Return whether all parts of *quotation* follow one another in one of *sources*."""
    parts = [_plain(part).rstrip(".,;:!? ") for part in _GAP.split(quotation)]
    return any(_in_order(parts, source) for source in sources)


def _in_order(parts: Iterable[str], source: str) -> bool:
    place = 0
    for part in parts:
        found = source.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
