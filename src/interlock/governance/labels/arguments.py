"""Judges the arguments of one action against what the session has seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from interlock.governance.labels import text as forms
from interlock.governance.labels.carried import kind_of
from interlock.governance.labels.index import Index
from interlock.governance.labels.places import Places
from interlock.governance.labels.schemas import declares, member_schema
from interlock.values.labels import TRUSTED_SOURCES, Carried, Label, Origin, Source

MOST_LEAVES = 1000
MOST_TEXT = 32 << 10
LONGEST_RUN = 5
"""A row of more neighbouring words than this, all from one kind of text, is a quotation."""

Path = tuple[str | int, ...]


def leaves(value: Any, most: int) -> Iterator[tuple[Path, Any]]:
    """Yield at most *most* single values of a JSON value with their paths; an object's unusual keys too."""
    stack: list[tuple[Path, Any]] = [((), value)]
    count = 0
    while stack and count < most:
        path, item = stack.pop()
        if isinstance(item, dict):
            for name, member in reversed(item.items()):
                stack.append(((*path, str(name)), member))
                if not str(name).isidentifier():
                    stack.append(((*path, str(name)), str(name)))
        elif isinstance(item, (list, tuple)):
            stack.extend([((*path, place), item[place]) for place in range(min(len(item), most) - 1, -1, -1)])
        elif item is not None and item != "":
            count += 1
            yield path, item


class Judge:
    """Finds the origin of a value in the four indexes of one session, as they are now."""

    __slots__ = (
        "_declared",
        "_heard",
        "_heard_words",
        "_lost",
        "_person",
        "_places",
        "_requested",
        "_session",
        "_trusted",
        "_untrusted",
    )

    def __init__(
        self,
        places: Places,
        indexes: tuple[Index, Index, Index, Index],
        heard: tuple[str, str],
        *,
        declared: int,
        requested: int,
        lost: int | None,
    ) -> None:
        self._places = places
        self._person, self._session, self._trusted, self._untrusted = indexes
        self._heard, self._heard_words = heard
        self._declared = declared
        self._requested = requested
        self._lost = lost

    def origin(self, value: Any, schema: Any, *, free_text: bool) -> Origin:
        """Return the origin of one argument."""
        if not isinstance(value, (dict, list, tuple)):
            return self._single(value, schema, free_text=free_text)
        found: list[Origin] = []
        for path, leaf in leaves(value, MOST_LEAVES + 1):
            part = schema
            for step in path:
                part = member_schema(part, step)
            found.append(self._single(leaf, part, free_text=free_text))
        if len(found) > MOST_LEAVES:
            found.append(self._places.origin(self._nothing()))
        if not found:
            return self._places.origin((self._declared,))
        return gather(found) if free_text else worst(found)

    def vouched(self, value: Any) -> bool:
        """Return whether any trusted source holds a single value."""
        return bool(TRUSTED_SOURCES.intersection(self._single(value, None, free_text=False).sources))

    def _single(self, value: Any, schema: Any, *, free_text: bool) -> Origin:
        if value is None or value == "":
            return self._places.origin((self._declared,))
        found = [self._declared] if schema is not None and declares(schema, value) else []
        if isinstance(value, str):
            found += self._text(value)
        elif isinstance(value, bool):
            found += [] if found else self._whole(["true" if value else "false"])
        else:
            found += self._whole([forms.number_text(value)])
        if free_text and isinstance(value, str):
            whole = self._places.origin(found) if found else None
            if whole is not None and not whole.untrusted:
                return whole
            return self._free_text(value[:MOST_TEXT], whole)
        return self._places.origin(found) if found else self._unmatched(value)

    def _whole(self, keys: list[str]) -> list[int]:
        indexes = (self._person, self._session, self._trusted, self._untrusted)
        return [place for index in indexes if (place := index.first(keys)) is not None]

    def _text(self, value: str) -> list[int]:
        keys = forms.value_forms(value)
        if value.isascii() and value.isalnum():
            return self._whole(keys)
        form = forms.strict(value)
        spoken = forms.words(form)
        plain = f" {' '.join(spoken)} "
        mild = bool(spoken) and forms.mild(form)
        found = self._whole([*keys, forms.key_of(plain.strip())] if mild else keys)
        if self._requested not in found and (
            f" {form} " in self._heard or (mild and len(spoken) > 1 and plain in self._heard_words)
        ):
            found.append(self._requested)
        if self._untrusted.first(keys) is None:
            found += self._loosely_untrusted(value, spoken)
        return found

    def _loosely_untrusted(self, value: str, spoken: list[str]) -> list[int]:
        """The place of an outsider's text that holds all of the value's words in a row, or its look-alike."""
        if not self._untrusted:
            return []
        if not value.isascii():
            spoken = forms.words(forms.wide(value))
        if not spoken:
            return []
        pairs = [f"{one} {other}" for one, other in pairwise(spoken)] or spoken
        places = [self._untrusted.get(forms.key_of(pair)) for pair in pairs]
        if None not in places and places[0] is not None:
            return [places[0]]
        return []

    def _nothing(self) -> tuple[int, ...]:
        return () if self._lost is None else (self._lost,)

    def _unmatched(self, value: Any) -> Origin:
        """A value that is found nowhere as a whole; one put together from an outsider's words is theirs."""
        if isinstance(value, str) and self._untrusted:
            spoken = forms.words(forms.wide(value[:MOST_TEXT]))
            parts = [word for word in spoken if len(word) > 2 and not word.isalpha()]
            parts += [f"{one} {other}" for one, other in pairwise(spoken)]
            places = [
                place
                for part in parts
                if (place := self._untrusted.get(part)) is not None and not self._well_known(part)
            ]
            if places:
                return self._places.origin(tuple(dict.fromkeys(places)))
        return self._places.origin(self._nothing())

    def _well_known(self, part: str) -> bool:
        known = any(index.get(part) is not None for index in (self._person, self._session, self._trusted))
        return known or f" {part} " in self._heard_words

    def _free_text(self, value: str, whole: Origin | None) -> Origin:
        parts: list[Origin] = [] if whole is None else [whole]
        carries: set[Carried] = set()
        invents: set[Carried] = set()
        for chunk in dict.fromkeys(forms.chunks(value)):
            kind = kind_of(chunk)
            if kind is None and not forms.distinctive(chunk):
                continue
            part = self._places.origin(self._text(chunk) or self._nothing())
            parts.append(part)
            if kind is not None and part.untrusted:
                carries.add(kind)
            elif kind is not None and part.unknown:
                invents.add(kind)
        parts += [self._places.origin((place,)) for place in self._phrases(forms.words(forms.wide(value)))]
        origin = gather(parts)
        if carries or invents:
            return replace(origin, carries=frozenset(carries), invents=frozenset(invents))
        return origin

    def _phrases(self, spoken: Sequence[str]) -> set[int]:
        """The places of remembered phrases (names, addresses) and of quotations inside a text."""
        found: set[int] = set()
        openings = self._trusted.openings
        for position, word in enumerate(spoken):
            if word in openings:
                for end in range(position + 2, position + 6):
                    place = self._trusted.get(" ".join(spoken[position:end]))
                    if place is not None:
                        found.add(place)
        run = 0
        for one, other in pairwise(spoken):
            place = self._untrusted.get(f"{one} {other}")
            run = run + 1 if place is not None else 0
            if place is not None and run >= LONGEST_RUN and f" {one} {other} " not in self._heard_words:
                found.add(place)
        return found


def _rank(origin: Origin) -> int:
    if origin.untrusted:
        return 2
    return 1 if origin.unknown else 0


def worst(parts: list[Origin]) -> Origin:
    """Return the origin of a list or object: that of its worst members, with the label of all."""
    rank = max(map(_rank, parts))
    return _union([part for part in parts if _rank(part) == rank], parts)


def gather(parts: list[Origin]) -> Origin:
    """Return the origin of a free text: untrusted if any value in it is, else all its values' sources."""
    if not parts:
        return Origin()
    untrusted = [part for part in parts if part.untrusted]
    return _union(untrusted or parts, parts)


def _union(deciding: list[Origin], parts: list[Origin]) -> Origin:
    if len(parts) == 1:
        return parts[0]
    seen = {source for part in deciding for source in part.sources}
    where = dict.fromkeys(name for part in deciding for name in part.where)
    label = Label.join
    joined = parts[0].label
    for part in parts[1:]:
        joined = label(joined, part.label)
    carries: frozenset[Carried] = frozenset().union(*(part.carries for part in parts))
    invents: frozenset[Carried] = frozenset().union(*(part.invents for part in parts))
    return Origin(tuple(source for source in Source if source in seen), tuple(where)[:6], joined, carries, invents)
