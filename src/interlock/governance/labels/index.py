"""A bounded index from the normal forms of values to the places that held them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from interlock.governance.labels.places import Places

ENTRY_BYTES = 110
"""What an entry costs beside its text, roughly."""


class Index:
    """Forms and their places, oldest first; when it is full the oldest quarter goes."""

    __slots__ = ("_limit", "_numbers", "_places", "evicted", "get", "openings", "used")

    def __init__(self, places: Places, limit: int) -> None:
        self._places = places
        self._limit = limit
        self._numbers: dict[str, int] = {}
        self.get = self._numbers.get
        """Returns the number of the place that held a form, or `None`."""
        self.used = 0
        """Roughly the bytes in use."""
        self.evicted = False
        """Whether anything was ever dropped."""
        self.openings: set[str] = set()
        """The first words of remembered phrases; a cheap test that rules most look-ups out."""

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, form: str, place: int) -> None:
        """Remember that *place* held *form*."""
        known = self._numbers.get(form)
        if known is None:
            self._numbers[form] = place
            self.used += len(form) + ENTRY_BYTES
            if self.used > self._limit:
                self._shrink()
        elif known != place:
            self._numbers[form] = self._places.both(known, place)

    def add_all(self, forms: Iterable[str], place: int) -> None:
        """Remember that *place* held all of these *forms*."""
        add, get = self.add, self.get
        for form in forms:
            if get(form) != place:
                add(form, place)
                get = self.get

    def add_phrase(self, phrase: str, place: int) -> None:
        """Remember a value of several words by its words."""
        self.openings.add(phrase.partition(" ")[0])
        self.add(phrase, place)

    def first(self, forms: Sequence[str]) -> int | None:
        """Return the number of the place that held any of *forms*, of several places all together, or `None`."""
        for form in forms:
            place = self.get(form)
            if place is not None:
                return self.both(place, forms)
        return None

    def both(self, place: int, forms: Sequence[str]) -> int:
        """Return the number of the place that stands for *place* and all that held any of *forms*."""
        get = self.get
        for form in forms:
            known = get(form)
            if known is not None and known != place:
                place = self._places.both(place, known)
        return place

    def _shrink(self) -> None:
        self.evicted = True
        keep = islice(self._numbers.items(), len(self._numbers) // 4 + 1, None)
        self._numbers = dict(keep)
        self.get = self._numbers.get
        self.openings = {form.partition(" ")[0] for form in self._numbers if " " in form}
        self.used = sum(len(form) + ENTRY_BYTES for form in self._numbers)
