"""Judges the arguments of one action against what the session has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import pairwise
from typing import Any

from interlock.governance.labels import text as forms
from interlock.governance.labels.addresses import host_form, hostlike, kind_of, known_host, streets, url_form
from interlock.governance.labels.alike import SEEN
from interlock.governance.labels.book import NO_BOOK, WHERE, AddressBook
from interlock.governance.labels.decoding import decodings
from interlock.governance.labels.hidden import hidden
from interlock.governance.labels.index import Index
from interlock.governance.labels.normal import bared, key_of, mild, strict, wide, words
from interlock.governance.labels.places import Place, Places
from interlock.governance.labels.records import Records
from interlock.governance.labels.schemas import declares, member_schema
from interlock.values.labels import PUBLIC, TRUSTED_SOURCES, Carried, Label, Naming, Origin, Source

MOST_LEAVES = 1000
MOST_TEXT = 64 << 10
MOST_NOTED = 256 << 10
"""Characters of a text that is sent whose values are noted, as they may come back."""
LONGEST_NAMED = 320
"""Characters of a value up to which it may be a recipient in the house's book."""
LONGEST_SAID = 16 << 10
"""Characters of a value up to which it is looked for inside the person's words; a longer one counts whole only."""
DECLARED = 1
"""The number of the place that stands for a schema."""
LONGEST_RUN = 5
"""A row of more neighbouring words than this, all from one kind of text, is a quotation."""

Path = tuple[str | int, ...]
NO_NAMES: frozenset[str] = frozenset()
_CHOSEN = (Source.declared,)
"""A choice that the operation itself lists: it means nobody and nothing."""


def leaves(value: Any, most: int) -> Iterator[tuple[Path, Any]]:
    """Yield at most *most* single values of a JSON value with their paths; empty ones count, and are not yielded."""
    stack: list[tuple[Path, Any]] = [((), value)]
    count = 0
    while stack and count < most:
        path, item = stack.pop()
        if isinstance(item, dict):
            stack.extend([((*path, str(name)), member) for name, member in reversed(item.items())])
        elif isinstance(item, (list, tuple)):
            stack.extend([((*path, place), item[place]) for place in range(min(len(item), most) - 1, -1, -1)])
        else:
            count += 1
            if item is not None and item != "":
                yield path, item


def exceeds(value: Any, most: int) -> bool:
    """Return whether a JSON value has more than *most* single values, so that `leaves` leaves some out."""
    stack, count = [value], 0
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            if len(item) > most:
                return True
            stack.extend(item)
        else:
            count += 1
        if count > most or len(stack) > most:
            return True
    return False


def names(value: Any, most: int, declared: AbstractSet[str]) -> Iterator[tuple[Path, str]]:
    """Yield at most *most* names of members that are not *declared*, with their paths.

    A name that no schema declares was chosen by whoever wrote the value, so it is a value too.
    """
    stack: list[tuple[Path, Any]] = [((), value)]
    count = 0
    while stack and count < most:
        path, item = stack.pop()
        if isinstance(item, dict):
            for name, member in item.items():
                place = (*path, str(name))
                stack.append((place, member))
                if name not in declared and count < most:
                    count += 1
                    yield place, str(name)
        elif isinstance(item, (list, tuple)):
            stack.extend([((*path, place), member) for place, member in enumerate(item[:most])])


class Judge:
    """Finds the origin of a value in the four indexes of one session, as they are now.

    What the session knows beside them (the person's words, what was lost, the label of all that was seen) is set by
    its memory before each use.
    """

    __slots__ = (
        "_declared",
        "_person",
        "_places",
        "_records",
        "_requested",
        "_session",
        "_trusted",
        "_untrusted",
        "heard",
        "heard_bare",
        "heard_words",
        "lost",
        "seen",
    )

    def __init__(
        self, places: Places, indexes: tuple[Index, Index, Index, Index], records: Records, *, requested: int
    ) -> None:
        self._places = places
        self._person, self._session, self._trusted, self._untrusted = indexes
        self._declared = DECLARED
        self._requested = requested
        self._records = records
        self.heard = self.heard_words = self.heard_bare = " "
        self.lost: int | None = None
        self.seen = PUBLIC

    def origin(
        self,
        value: Any,
        schema: Any,
        *,
        free_text: bool,
        declared: AbstractSet[str] = NO_NAMES,
        book: AddressBook = NO_BOOK,
    ) -> Origin:
        """Return the origin of one argument; *declared* are all names that the operation's schema has anywhere.

        An address in *book* is the house's own.
        """
        if not isinstance(value, (dict, list, tuple)):
            return self._single(value, schema, free_text=free_text, book=book)
        found: list[Origin] = []
        for path, leaf in leaves(value, MOST_LEAVES):
            part = schema
            for step in path:
                part = member_schema(part, step)
            found.append(self._single(leaf, part, free_text=free_text, book=book))
        found += self._names(value, declared, free_text=free_text)
        if exceeds(value, MOST_LEAVES):
            found.append(self._unlooked())
        if not found:
            return self._places.origin((self._declared,))
        return gather(found) if free_text else worst(found)

    def _names(self, value: Any, declared: AbstractSet[str], *, free_text: bool) -> Iterator[Origin]:
        """The origins of names that the agent chose; an ordinary word that no outsider wrote counts for nothing."""
        for _, name in names(value, MOST_LEAVES, declared):
            origin = self._single(name, None, free_text=free_text)
            if not origin.unknown or not (name.islower() and name.replace("_", "").isalpha()):
                yield origin

    def vouched(self, value: Any) -> bool:
        """Return whether any trusted source holds a single value."""
        return bool(TRUSTED_SOURCES.intersection(self._single(value, None, free_text=False).sources))

    def unvouched(self, text: str) -> Iterator[str]:
        """Yield the values inside a free text that no trusted source holds, and the text itself if it is one."""
        if not self.vouched(text):
            yield text
            for chunk in dict.fromkeys(forms.chunks(text[:MOST_NOTED])):
                if (kind_of(chunk) is not None or forms.distinctive(chunk)) and not self.vouched(chunk):
                    yield chunk

    def _single(self, value: Any, schema: Any, *, free_text: bool, book: AddressBook = NO_BOOK) -> Origin:
        if value is None or value == "":
            return self._places.origin((self._declared,))
        found = [self._declared] if schema is not None and declares(schema, value) else []
        if not free_text and isinstance(value, str) and ("," in value or ";" in value):
            listed = self._listed(value)
            if listed is not None:
                return listed
        if isinstance(value, str):
            found += self._text(value, deep=not free_text)
        elif isinstance(value, bool):
            found += [] if found else self._whole(["true" if value else "false"])
        else:
            found += self._number(value)
        if free_text and not isinstance(value, (str, bool)) and kind_of(forms.leaf_forms(value)[0]) is not None:
            return self._free_text(forms.leaf_forms(value)[0], self._places.origin(found or self._nothing()))
        if free_text and isinstance(value, str):
            whole = self._places.origin(found) if found else None
            if whole is not None and not whole.untrusted:
                return whole
            return self._free_text(value, whole)
        return self._settled(value, found, book)

    def _settled(self, value: Any, found: list[int], book: AddressBook) -> Origin:
        """The origin of a single value that was found at places.

        An address that none of them vouches for is the house's own if its book holds it and the person's words call
        it: that it is in the book alone would let a stranger choose whom of the book. It must be cleared for all that
        was ever shown here, as what is only saved for it now may be sent without another look.
        """
        address = strict(value) if book and isinstance(value, str) and len(value) <= LONGEST_NAMED else ""
        listed = address in book and not self._vouch(found) and book.clears(address, self.seen)
        if listed and self._records.calls(book, address):
            place = self._places.number(Place(Source.trusted_field, (WHERE,)))
            return replace(self._places.origin([place, *found]), naming=Naming.matched)
        return self._named(self._places.origin(found), value) if found else self._places.origin(self._nothing())

    def _named(self, origin: Origin, value: Any) -> Origin:
        """Say how surely the person meant a value that a trusted field holds."""
        if origin.naming is Naming.named or Source.trusted_field not in origin.sources:
            return origin
        naming = self._records.naming(forms.leaf_forms(value))
        return origin if naming is Naming.nothing else replace(origin, naming=naming)

    def _whole(self, keys: Sequence[str]) -> list[int]:
        found = []
        for index in (self._person, self._session, self._trusted, self._untrusted):
            get = index.get
            for key in keys:
                place = get(key)
                if place is not None:
                    found.append(place if len(keys) == 1 else index.both(place, keys))
                    break
        return found

    def _number(self, value: float) -> list[int]:
        found = self._whole(forms.leaf_forms(value))
        if not found and self._untrusted and isinstance(value, (int, float)):
            found = hidden(forms.leaf_forms(value)[0], self._untrusted.get, self._known)
        return found

    def _text(self, value: str, *, deep: bool = True) -> list[int]:
        keys = forms.value_forms(value)
        found = self._whole(keys)
        if self._vouch(found):
            return found
        if len(value) <= LONGEST_SAID and not (value.isascii() and value.isalnum()) and "://" not in value:
            form = strict(value)
            spoken = words(form)
            plain = f" {' '.join(spoken)} "
            soft = bool(spoken) and mild(form)
            if soft:
                found = self._whole([*keys, key_of(plain.strip())])
            if self._said(form) or (soft and len(spoken) > 1 and plain in self.heard_words):
                found = [self._requested, *(place for place in found if place != self._requested)]
            if self._vouch(found):
                return found
        if deep and self._untrusted and not found:
            found = hidden(value, self._untrusted.get, self._known)
        return found

    def _said(self, form: str) -> bool:
        """Whether the person wrote *form*, perhaps with punctuation around its words."""
        if f" {form} " in self.heard:
            return True
        return " " in form and f" {bared(form)} " in self.heard_bare

    def _vouch(self, found: list[int]) -> bool:
        return not TRUSTED_SOURCES.isdisjoint(map(self._places.source, found))

    def _known(self, part: str) -> int | None:
        for index in (self._person, self._session, self._trusted):
            place = index.get(part)
            if place is not None:
                return place
        return self._requested if f" {part} " in self.heard_words else None

    def _listed(self, value: str) -> Origin | None:
        """The origin of several addresses in one text: that of the worst."""
        pieces = [piece.strip() for piece in value.replace(";", ",").split(",") if piece.strip()]
        if len(pieces) < 2 or not all(kind_of(piece) for piece in pieces):
            return None
        return worst([self._places.origin(self._text(piece) or self._nothing()) for piece in pieces])

    def _unlooked(self) -> Origin:
        """The origin of what is too much to look at: it may be anything that the session was ever shown."""
        origin = self._places.origin(self._nothing())
        return replace(origin, label=origin.label.join(self.seen), invents=frozenset(Carried))

    def _nothing(self) -> tuple[int, ...]:
        return () if self.lost is None else (self.lost,)

    def _free_text(self, value: str, whole: Origin | None) -> Origin:
        parts: list[Origin] = [] if whole is None else [whole]
        carries: set[Carried] = set()
        invents: set[Carried] = set()
        if len(value) > MOST_TEXT:
            parts.append(self._unlooked())
            invents.update(Carried)
        text = value[:MOST_TEXT]
        for chunk in dict.fromkeys(self._values(text if text.isascii() else text.translate(SEEN))):
            kind = kind_of(chunk) or self._outsiders_host(chunk)
            if kind is None and not forms.distinctive(chunk):
                continue
            part = self._chunk(chunk, kind)
            parts.append(part)
            if kind is not None and part.untrusted:
                carries.add(kind)
            elif kind is not None and part.unknown and _leads(chunk, kind):
                invents.add(kind)
        parts += self._houses(text, carries)
        parts += [self._places.origin((place,)) for place in self._phrases(words(wide(text)))]
        origin = gather(parts)
        if carries or invents:
            return replace(origin, carries=frozenset(carries), invents=frozenset(invents))
        return origin

    def _values(self, text: str) -> Iterator[str]:
        """The pieces of a text, and those of the texts that are hidden in it."""
        yield from forms.chunks(text)
        for decoded in decodings(text):
            yield from (chunk for chunk in forms.chunks(decoded) if kind_of(chunk) is not None)

    def _chunk(self, chunk: str, kind: Carried | None) -> Origin:
        """The origin of one piece; of an address that is found nowhere, that of its host, if it is an outsider's."""
        found = self._text(chunk)
        if not found and kind is Carried.url:
            place = self._untrusted.first([host_form(strict(chunk)), url_form(strict(chunk))])
            found = [] if place is None else [place]
        return self._places.origin(found or self._nothing())

    def _outsiders_host(self, chunk: str) -> Carried | None:
        """What looks like words or a file is a host all the same where outsiders wrote it as one."""
        form = strict(chunk) if "." in chunk else ""
        found = hostlike(form) and self._untrusted.get(host_form(form)) is not None
        return Carried.url if found else None

    def _houses(self, text: str, carries: set[Carried]) -> list[Origin]:
        """The origins of street addresses in a text that outsiders' text holds and nobody else."""
        found = []
        for street in streets(text):
            origin = self._places.origin(self._text(street))
            if origin.untrusted:
                carries.add(Carried.address)
                found.append(origin)
        return found

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
            if place is not None and run >= LONGEST_RUN and f" {one} {other} " not in self.heard_words:
                found.add(place)
        return found


def _leads(chunk: str, kind: Carried) -> bool:
    """Whether a value that nobody ever wrote leads anywhere; two words run together do not."""
    return kind is not Carried.url or "/" in chunk or known_host(chunk.lower())


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
    return Origin(
        tuple(source for source in Source if source in seen),
        tuple(where)[:6],
        joined,
        _kinds(part.carries for part in parts),
        _kinds(part.invents for part in parts),
        min((part.naming for part in parts if part.sources != _CHOSEN), default=Naming.nothing),
    )


def _kinds(found: Iterable[frozenset[Carried]]) -> frozenset[Carried]:
    return frozenset().union(*found)
