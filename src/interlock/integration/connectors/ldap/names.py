"""Distinguished names (RFC 4514): read, compared, and made of values that cannot become a part of their structure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.ldap.places import PLACE, STRAY, text_of

_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)\s*=")
_SPECIAL = frozenset('"+,;<>\\=# ')
_BREAKS = frozenset('"<>\x00')
_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_STAND_IN = "\ue000"

Part = tuple[tuple[str, str], ...]
"""A relative name: types in small letters with their values, spaces and case folded; several of them are in order."""
Name = tuple[Part, ...]


class NameInvalid(ValueError):
    """This is no distinguished name; the text says why, and never repeats it."""


def escaped(value: str) -> str:
    """Return *value* as it stands in a name. What can have a meaning there is written in hexadecimal."""
    return "".join(
        "".join(f"\\{byte:02x}" for byte in sign.encode()) if sign in _SPECIAL or not sign.isprintable() else sign
        for sign in value
    )


def parse(text: str) -> Name:
    """Return the parts of a name, the first one first; the empty text is the root. Raises `NameInvalid`."""
    if not text.strip():
        return ()
    parts: list[Part] = []
    pairs: list[tuple[str, str]] = []
    place = 0
    while True:
        match = _TYPE.match(text, place)
        if match is None:
            raise NameInvalid("is no distinguished name: a type and = are expected")
        value, place = _value(text, match.end())
        pairs.append((match[1].lower(), " ".join(value.casefold().split())))
        end = text[place : place + 1]
        if end != "+":
            parts.append(tuple(sorted(pairs)))
            pairs = []
        if not end:
            return tuple(parts)
        place += 1


def _value(text: str, place: int) -> tuple[str, int]:
    """Return the value that begins at *place*, without its escapes, and where it ends."""
    found, kept = bytearray(), 0  # spaces around a value are no part of it, unless they are escaped
    place += len(text[place:]) - len(text[place:].lstrip(" "))
    while place < len(text) and text[place] not in ",+;":
        sign = text[place]
        if sign in _BREAKS:
            raise NameInvalid("is no distinguished name: a sign in it must be escaped")
        if sign != "\\":
            found += sign.encode()
            kept = len(found) if sign != " " else kept
            place += 1
            continue
        hexadecimal = _HEX.match(text, place + 1)
        if hexadecimal is None and place + 1 >= len(text):
            raise NameInvalid("is no distinguished name: it ends in an escape")
        found += bytes.fromhex(hexadecimal[0]) if hexadecimal else text[place + 1].encode()
        kept = len(found)
        place += 3 if hexadecimal else 2
    if not kept:
        raise NameInvalid("is no distinguished name: a value is empty")
    return found[:kept].decode("utf-8", "backslashreplace"), place


def within(name: Name, base: Name) -> bool:
    """Return whether *name* is *base* or stands under it."""
    return not base or name[-len(base) :] == base


class NameTemplate:
    """A name with places such as `{uid}` in its values, or one place and nothing else, for a name as a whole.

    Whatever fills it, the name stands under *base*. Raises `NameInvalid`.
    """

    def __init__(self, written: str, base: Name) -> None:
        self._written = written
        self._base = base
        self.places = frozenset(PLACE.findall(written))
        self.whole = PLACE.fullmatch(written) is not None
        if self.whole:
            return
        bare = PLACE.sub(_STAND_IN, written)
        if STRAY.search(bare):
            raise NameInvalid("has a { or } that is no place; write \\7b and \\7d")
        parts = parse(bare)
        filled = [number for number, part in enumerate(parts) if any(_STAND_IN in value for _, value in part)]
        fixed = parts[max(filled, default=-1) + 1 :]
        if not within(fixed, base):
            raise NameInvalid("does not stand under `connection.base`, whatever fills its places")

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the name. Raises `NameInvalid` for a name given as a whole that is none, or stands elsewhere."""
        if not self.whole:
            return PLACE.sub(lambda match: escaped(text_of(values[match[1]])), self._written)
        (place,) = self.places
        name = text_of(values[place])
        if not within(parse(name), self._base) or not parse(name):
            raise NameInvalid("does not stand under `connection.base`")
        return name


class RelativeTemplate:
    """The last part of a name, such as `uid={uid}`, with places in its values. Raises `NameInvalid`."""

    def __init__(self, written: str) -> None:
        self._written = written
        self.places = frozenset(PLACE.findall(written))
        bare = PLACE.sub(_STAND_IN, written)
        if STRAY.search(bare) or len(parse(bare)) != 1:
            raise NameInvalid("must be one part of a name, such as uid={uid}")

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the part."""
        return PLACE.sub(lambda match: escaped(text_of(values[match[1]])), self._written)


def naming(name: str) -> dict[str, str]:
    """Return the types and values of the first part of *name* as they are written, without escapes."""
    found: dict[str, str] = {}
    place = 0
    while match := _TYPE.match(name, place):
        found[match[1]], place = _value(name, match.end())
        if name[place : place + 1] != "+":
            break
        place += 1
    return found
