"""Labels that travel with data: how confidential it is, what it is about, whom to trust, where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class Confidentiality(IntEnum):
    """How far data may travel; a higher level may go fewer places."""

    public = 0
    internal = 1
    confidential = 2
    restricted = 3


class Category(StrEnum):
    """What data is about, where that has consequences."""

    personal = "personal"
    financial = "financial"
    health = "health"
    secret = "secret"


class Integrity(StrEnum):
    """Whether the text of a value was chosen by somebody the house trusts."""

    trusted = "trusted"
    untrusted = "untrusted"


@dataclass(frozen=True, slots=True)
class Label:
    """The label of one value. Joining labels can only make them stricter."""

    confidentiality: Confidentiality = Confidentiality.internal
    categories: frozenset[Category] = frozenset()
    integrity: Integrity = Integrity.trusted

    def join(self, other: Label) -> Label:
        """Return the least label that is at least as strict as both; one of them, where it is the stricter already."""
        if self._covers(other):
            return self
        if other._covers(self):
            return other
        untrusted = self.integrity is Integrity.untrusted or other.integrity is Integrity.untrusted
        return Label(
            max(self.confidentiality, other.confidentiality),
            self.categories | other.categories,
            Integrity.untrusted if untrusted else Integrity.trusted,
        )

    def _covers(self, other: Label) -> bool:
        return (
            self.confidentiality >= other.confidentiality
            and self.categories >= other.categories
            and (self.integrity is other.integrity or self.integrity is Integrity.untrusted)
        )

    def flows(self, other: Label) -> bool:
        """Return whether data of this label may be held under *other*: it is at least as strict in everything."""
        return other._covers(self)

    @property
    def unusual(self) -> bool:
        """Whether it binds anybody of the house: above internal, or about something that has consequences."""
        return self.confidentiality > Confidentiality.internal or bool(self.categories)

    def __str__(self) -> str:
        """Return the level and the categories, such as `restricted, financial`."""
        return ", ".join([self.confidentiality.name, *sorted(self.categories)])

    def to_json(self) -> dict[str, Any]:
        """Return the label as a JSON object."""
        return {
            "confidentiality": _LEVELS[self.confidentiality],
            "categories": sorted(self.categories),
            "integrity": _WORDS[self.integrity],
        }


# Asking a member of an enumeration for its name or value costs as much as all the rest of a label.
_LEVELS = tuple(level.name for level in Confidentiality)
_WORDS = {member: member.value for member in Integrity}


def label_from_json(document: Mapping[str, Any]) -> Label:
    """Return the label that `Label.to_json` wrote. Raises `KeyError` or `ValueError` for anything else."""
    return Label(
        Confidentiality[document["confidentiality"]],
        frozenset(map(Category, document["categories"])),
        Integrity(document["integrity"]),
    )


PUBLIC = Label(Confidentiality.public)


class Carried(StrEnum):
    """A kind of value inside a text that leads a reader, or money, somewhere."""

    url = "url"
    account = "account"
    address = "address"


class Source(StrEnum):
    """Who a value came from, as far as the layer saw."""

    person = "person"  # written by the person in the session's request or a later turn
    session = "session"  # an authenticated fact of the session, such as its customer
    own = "own"  # issued by a system for a write of this session, which nobody outside had a hand in
    trusted_field = "trusted_field"  # returned by a system in a field declared trusted
    untrusted_field = "untrusted_field"  # returned by a system in a field an outsider can write
    declared = "declared"  # a constant that the operation's own schema names (an enumeration's member)
    unknown = "unknown"  # seen nowhere: made by the model


_SOURCES = {source: source.value for source in Source}
TRUSTED_SOURCES = frozenset(Source) - {Source.untrusted_field, Source.unknown}


class Naming(IntEnum):
    """How surely the person's words mean a value."""

    nothing = 0
    matched = 1  # it stands in a record that their words single out, if by text that outsiders can write
    named = 2  # they wrote it, or it stands in a record that their words single out, or the session itself made it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one argument's value came from.

    *sources* are all places that the value was seen in; *where* names them (`helpdesk.get_ticket#/body`).
    A value that a trusted source also holds is not steered, so `untrusted` is true only if an untrusted field
    holds it and no trusted source does. `unknown` is true if it was seen nowhere. *label* is that of the places:
    what flows in with the value. *naming* says how surely the person meant it. Of a text, *carries* are the kinds
    of values inside it that only outsiders' text holds, *invents* of those that were seen nowhere.
    """

    sources: tuple[Source, ...] = (Source.unknown,)
    where: tuple[str, ...] = ()
    label: Label = PUBLIC
    carries: frozenset[Carried] = frozenset()
    invents: frozenset[Carried] = frozenset()
    naming: Naming = Naming.nothing

    @property
    def untrusted(self) -> bool:
        """Whether only outsiders' text holds the value."""
        return Source.untrusted_field in self.sources and not TRUSTED_SOURCES.intersection(self.sources)

    @property
    def unknown(self) -> bool:
        """Whether the value was seen nowhere."""
        return self.sources == (Source.unknown,)

    def to_json(self) -> dict[str, Any]:
        """Return the origin as a JSON object, the shape that policies see under `context.origins.ARG`.

        What is usual is left out: a label that binds nobody, and kinds of values where there are none.
        """
        document: dict[str, Any] = {
            "untrusted": self.untrusted,
            "unknown": self.unknown,
            "person": Source.person in self.sources,
            "sources": [_SOURCES[source] for source in self.sources],
            "where": list(self.where),
        }
        if self.label.unusual:
            document["label"] = self.label.to_json()
        if self.naming:
            document["named"] = self.naming.name
        if self.carries:
            document["carries"] = sorted(self.carries)
        if self.invents:
            document["invents"] = sorted(self.invents)
        return document
