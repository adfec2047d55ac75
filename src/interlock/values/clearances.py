"""Who may hold which data: what a principal is shown, and where a value may be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from interlock.values.labels import Category, Confidentiality, Label

EVERY = frozenset(Category)
_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Clearance:
    """How far somebody is let: up to a level of confidentiality, and only these categories."""

    confidentiality: Confidentiality = Confidentiality.public
    categories: frozenset[Category] = frozenset()

    def admits(self, label: Label) -> bool:
        """Return whether data of *label* may go to the holder."""
        return label.confidentiality <= self.confidentiality and label.categories <= self.categories

    def joined(self, other: Clearance) -> Clearance:
        """Return the clearance of somebody who holds both."""
        return Clearance(max(self.confidentiality, other.confidentiality), self.categories | other.categories)

    def met(self, other: Clearance) -> Clearance:
        """Return the clearance of somebody who is held to both."""
        return Clearance(min(self.confidentiality, other.confidentiality), self.categories & other.categories)

    def to_json(self) -> dict[str, Any]:
        """Return the clearance as a JSON object."""
        return {"confidentiality": self.confidentiality.name, "categories": sorted(self.categories)}


NOTHING = Clearance()
"""Public data alone."""
USUAL = Clearance(Confidentiality.confidential, EVERY)
EVERYTHING = Clearance(Confidentiality.restricted, EVERY)


def clearance_of(written: Any) -> Clearance:
    """Return the clearance as files write it: a level (with every category), or level and categories.

    Raises `KeyError` or `ValueError` for anything else.
    """
    if isinstance(written, str):
        return Clearance(Confidentiality[written], EVERY)
    level = Confidentiality[written.get("confidentiality", "public")]
    return Clearance(level, frozenset(map(Category, written["categories"])) if "categories" in written else EVERY)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """The regular expression of a recipients' pattern."""
    if glob == "*":
        return re.compile(".*", re.DOTALL)
    parts = {"**": ".*", "*": r"[^/@,;\s]*", "?": r"[^/@,;\s]"}
    pieces = re.split(r"(\*\*|\*|\?)", glob)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces))


def _says_whose(pattern: str) -> bool:
    """Whether a recipients' pattern fits only what is somebody's: one host, or names that begin alike."""
    if "@" in pattern:
        place = pattern.rpartition("@")[2]
    elif "://" in pattern:
        place = pattern.partition("://")[2].partition("/")[0]
    else:
        place = pattern.rstrip("*")
    return bool(place) and _WILD.isdisjoint(place)


@dataclass(frozen=True, slots=True)
class Clearances:
    """A project's clearances. Of the *recipients*' patterns (globs, caseless) the first that fits counts.

    *called* are the words by which people call a recipient that is spelled out in full.
    """

    default: Clearance = USUAL
    roles: Mapping[str, Clearance] = field(default_factory=dict)
    recipients: tuple[tuple[str, Clearance], ...] = ()
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, roles: Iterable[str]) -> Clearance:
        """Return the clearance of who holds *roles*: the usual one, and all that the roles add."""
        found = self.default
        for role in roles:
            if role in self.roles:
                found = found.joined(self.roles[role])
        return found

    def recipient(self, address: str) -> Clearance:
        """Return what may be sent to *address*; to one that no pattern names, public data alone.

        `*` stands for anything within one part of an address, `**` (or a pattern that is `*` alone) for anything.
        What holds a quotation mark, or more than one `@`, is nobody's address.
        """
        return self._line(address)[1]

    def own(self, address: str) -> Clearance | None:
        """Return what may be sent to *address* if it is one of the house's own, else None.

        It is where the line that counts says whose it is (the host, or how such names begin) and lets it have all
        that anybody of the house may by default. Where that is public data alone, nobody can be told apart so.
        """
        pattern, clearance = self._line(address)
        usual = self.default
        if usual.confidentiality < Confidentiality.internal or not _says_whose(pattern):
            return None
        return clearance if clearance.joined(usual) == clearance else None

    def _line(self, address: str) -> tuple[str, Clearance]:
        plain = address.strip().casefold()
        if '"' in plain or plain.count("@") > 1:
            return "", NOTHING
        for pattern, clearance in self.recipients:
            if _pattern(pattern.casefold()).fullmatch(plain):
                return pattern, clearance
        return "", NOTHING

    def to_json(self) -> dict[str, Any]:
        """Return the clearances as a JSON object."""
        return {
            "default": self.default.to_json(),
            "roles": {role: clearance.to_json() for role, clearance in sorted(self.roles.items())},
            "recipients": [[pattern, clearance.to_json()] for pattern, clearance in self.recipients],
        }
