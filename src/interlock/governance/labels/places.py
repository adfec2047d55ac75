"""Places where a session saw a value: who wrote it, which field held it, under which label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from interlock.values.labels import PUBLIC, Integrity, Label, Naming, Origin, Source

MOST_PLACES = 4096
MOST_NAMED = 6

_NAMING = frozenset({Source.person, Source.own})
_ORDER = {source: position for position, source in enumerate(Source)}


class Place(NamedTuple):
    """One or several fields that held a value; *where* names at most a few of them."""

    source: Source
    where: tuple[str, ...] = ()
    label: Label = PUBLIC


class Held(NamedTuple):
    """What one session saw in a field: the label that it has there, and whether outsiders' text led any of it."""

    label: Label
    steered: bool = False

    @property
    def now(self) -> Label:
        """The label of the values: what outsiders' text had a hand in is untrusted, whatever the field is."""
        return untrusted(self.label) if self.steered else self.label

    def joined(self, other: Held) -> Held:
        """Return what two results hold in the same field."""
        return Held(self.label.join(other.label), self.steered or other.steered)


def untrusted(label: Label) -> Label:
    """Return *label* for text that outsiders chose."""
    return label if label.integrity is Integrity.untrusted else replace(label, integrity=Integrity.untrusted)


class Places:
    """Interned places, so that a remembered value costs one small integer.

    The number of distinct places is bounded: beyond it, a place keeps its source and label, not its name.
    """

    __slots__ = ("_known", "_list", "_origins", "_pairs")

    def __init__(self, *first: Place) -> None:
        self._list = list(first)
        self._known = {place: number for number, place in enumerate(first)}
        self._pairs: dict[tuple[int, int], int] = {}
        self._origins: dict[tuple[int, ...], Origin] = {}

    def number(self, place: Place) -> int:
        """Return the number that stands for *place*."""
        known = self._known.get(place)
        if known is None:
            if len(self._list) >= MOST_PLACES and place.where:
                return self.number(place._replace(where=()))
            known = self._known[place] = len(self._list)
            self._list.append(place)
        return known

    def source(self, number: int) -> Source:
        """Return the source of the place with this *number*."""
        return self._list[number].source

    def label(self, number: int) -> Label:
        """Return the label of the place with this *number*."""
        return self._list[number].label

    def both(self, one: int, other: int) -> int:
        """Return the number of the place that stands for two places of the same source."""
        pair = (one, other)
        known = self._pairs.get(pair)
        if known is None:
            if len(self._pairs) > MOST_PLACES:
                self._pairs.clear()
            first, second = self._list[one], self._list[other]
            where = tuple(dict.fromkeys(first.where + second.where))[:MOST_NAMED]
            known = self.number(Place(first.source, where, first.label.join(second.label)))
            self._pairs[pair] = known
        return known

    def origin(self, numbers: Sequence[int]) -> Origin:
        """Return the origin of a value that was seen at the places with these *numbers*.

        What the person wrote carries the person's label alone: they had it without reading it here.
        """
        seen = tuple(numbers)
        known = self._origins.get(seen)
        if known is None:
            if len(self._origins) > MOST_PLACES:
                self._origins.clear()
            known = self._origins[seen] = self._joined([self._list[number] for number in seen])
        return known

    def _joined(self, places: list[Place]) -> Origin:
        if not places:
            return Origin()
        sources = sorted({place.source for place in places}, key=_ORDER.__getitem__)
        where = dict.fromkeys(name for place in places for name in place.where)
        label = PUBLIC
        if sources[0] is not Source.person:
            for place in places:
                label = label.join(place.label)
        naming = Naming.nothing if _NAMING.isdisjoint(sources) else Naming.named
        return Origin(tuple(sources), tuple(where)[:MOST_NAMED], label, naming=naming)
