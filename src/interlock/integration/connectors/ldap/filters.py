"""Filters (RFC 4515) with places: what fills one is a value, and cannot become a part of the filter."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.integration.connectors.ldap.places import PLACE, STRAY, text_of

DEEPEST = 16
_ITEM = re.compile(
    r"([A-Za-z][A-Za-z0-9-]*)((?:;[A-Za-z0-9-]+)*)(=|>=|<=|~=|(?::dn)?(?::[A-Za-z0-9.-]+)?:=)((?:[^()\\\x00]|\\[0-9A-Fa-f]{2})*)"
)
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class FilterInvalid(ValueError):
    """This is no filter; the text says why."""


def escaped(value: str) -> str:
    """Return *value* as it stands in a filter: whatever is no letter or digit of ASCII is written in hexadecimal."""
    return "".join(chr(byte) if byte in _KEPT else f"\\{byte:02x}" for byte in value.encode())


class _Node(Protocol):
    """A part of a filter."""

    def fill(self, values: Mapping[str, Any]) -> str | None:
        """Return its text, None where a value is missing."""

    def places(self) -> frozenset[str]:
        """Return the names of its places."""

    def stays(self, optional: Collection[str]) -> bool:
        """Return whether something of it is left when none of *optional* is given."""


@dataclass(frozen=True, slots=True)
class _Item:
    attribute: str
    text: str

    def fill(self, values: Mapping[str, Any]) -> str | None:
        if not self.places() <= values.keys():
            return None
        return f"({PLACE.sub(lambda match: escaped(text_of(values[match[1]])), self.text)})"

    def places(self) -> frozenset[str]:
        return frozenset(PLACE.findall(self.text))

    def stays(self, optional: Collection[str]) -> bool:
        return self.places().isdisjoint(optional)


@dataclass(frozen=True, slots=True)
class _Any:
    """`|` or `!`: all of it, or nothing."""

    sign: str
    parts: Sequence[_Node]

    def fill(self, values: Mapping[str, Any]) -> str | None:
        filled = [part.fill(values) for part in self.parts]
        return None if None in filled else f"({self.sign}{''.join(one for one in filled if one is not None)})"

    def places(self) -> frozenset[str]:
        return frozenset().union(*(part.places() for part in self.parts))

    def stays(self, optional: Collection[str]) -> bool:
        return all(part.stays(optional) for part in self.parts)


class _All(_Any):
    """`&`: a part of it whose value was not given is left out."""

    __slots__ = ()

    def fill(self, values: Mapping[str, Any]) -> str | None:
        filled = [one for part in self.parts if (one := part.fill(values)) is not None]
        return f"(&{''.join(filled)})" if filled else None

    def stays(self, optional: Collection[str]) -> bool:
        return any(part.stays(optional) for part in self.parts)


class FilterTemplate:
    """A filter. A part of an `&` whose place is among *optional* is left out where nothing fills it; another part of
    the filter always stays. Raises `FilterInvalid`.
    """

    def __init__(self, written: str, optional: Collection[str] = ()) -> None:
        self._attributes: set[str] = set()
        self._root, end = self._node(written, 0, 0)
        if end != len(written):
            raise FilterInvalid("goes on behind its last )")
        self.places = self._root.places()
        if unknown := set(optional) - self.places:
            raise FilterInvalid(f"has no place {{{min(unknown)}}}, which `optional` names")
        if not self._root.stays(optional):
            raise FilterInvalid("would be left empty; an `optional` place stands in a part of an &, beside one without")

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that it looks at, in small letters."""
        return frozenset(self._attributes)

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the filter for *values*, which hold all places but optional ones."""
        filled = self._root.fill(values)
        assert filled is not None
        return filled

    def _node(self, text: str, place: int, depth: int) -> tuple[_Node, int]:
        if depth > DEEPEST:
            raise FilterInvalid(f"is nested deeper than {DEEPEST} levels")
        if text[place : place + 1] != "(":
            raise FilterInvalid("is no filter: a ( is expected")
        sign = text[place + 1 : place + 2]
        if sign and sign in "&|!":
            parts, place = self._parts(text, place + 2, depth)
            if not parts or (sign == "!" and len(parts) != 1):
                raise FilterInvalid(f"is no filter: {sign} has {'nothing' if not parts else 'several parts'} behind it")
            return (_All if sign == "&" else _Any)(sign, parts), place
        match = _ITEM.match(text, place + 1)
        if match is None or text[match.end() : match.end() + 1] != ")":
            raise FilterInvalid("is no filter: an attribute with its value and a ) are expected")
        if STRAY.search(PLACE.sub("", match[4])):
            raise FilterInvalid("has a { or } that is no place; write \\7b and \\7d")
        self._attributes.add(match[1].lower())
        return _Item(match[1].lower(), match[0]), match.end() + 1

    def _parts(self, text: str, place: int, depth: int) -> tuple[list[_Node], int]:
        parts: list[_Node] = []
        while text[place : place + 1] == "(":
            part, place = self._node(text, place, depth + 1)
            parts.append(part)
        if text[place : place + 1] != ")":
            raise FilterInvalid("is no filter: a ) is missing")
        return parts, place + 1
