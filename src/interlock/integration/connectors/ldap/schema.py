"""What a directory says of its attributes and object classes (RFC 4512, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from interlock.integration.connectors.ldap.attributes import Kind

LONGEST = 20_000
_TOKEN = re.compile(r"'([^']*)'|([()$])|([^\s()$']+)")
_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
_WORDS = {
    f"{_SYNTAX}7": "boolean",
    f"{_SYNTAX}24": "time",
    f"{_SYNTAX}27": "integer",
    f"{_SYNTAX}12": "dn",
    **dict.fromkeys((f"{_SYNTAX}{one}" for one in (4, 5, 8, 9, 10, 23, 28, 40, 49)), "binary"),
    "1.2.840.113556.1.4.906": "integer",
}
_TEXT_IN_OCTETS = frozenset({"userpassword"})


@dataclass(frozen=True, slots=True)
class AttributeType:
    """An attribute, as its schema describes it."""

    name: str
    syntax: str = ""
    above: str = ""
    single: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """A class of entries: what they must and may have, and the classes that it extends."""

    name: str
    above: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """All that a directory publishes, by every name in small letters."""

    attributes: Mapping[str, AttributeType] = field(default_factory=dict)
    classes: Mapping[str, ObjectClass] = field(default_factory=dict)

    def kind(self, name: str) -> Kind | None:
        """Return the type of the attribute *name*, None for one that is not known."""
        found = self.attributes.get(name.lower())
        if found is None:
            return None
        syntax, above, seen = found.syntax, found.above, {found.name}
        while not syntax and above and above.lower() in self.attributes and above not in seen:
            seen.add(above)
            syntax, above = self.attributes[above.lower()].syntax, self.attributes[above.lower()].above
        word = "string" if name.lower() in _TEXT_IN_OCTETS else _WORDS.get(syntax, "string")
        return Kind(word, many=not found.single)

    def must(self, name: str) -> tuple[str, ...]:
        """Return what entries of the class *name* must have, that of the classes above it too."""
        return tuple(dict.fromkeys(one for each in self._line(name) for one in each.must))

    def may(self, name: str) -> tuple[str, ...]:
        """Return what they may have."""
        return tuple(dict.fromkeys(one for each in self._line(name) for one in each.may))

    def _line(self, name: str) -> Iterator[ObjectClass]:
        waiting, seen = [name.lower()], set[str]()
        while waiting:
            one = waiting.pop(0)
            if one in seen or one not in self.classes:
                continue
            seen.add(one)
            yield self.classes[one]
            waiting += [above.lower() for above in self.classes[one].above]


def schema_of(attributes: Iterable[str], classes: Iterable[str]) -> Schema:
    """Return what the values of `attributeTypes` and `objectClasses` say; those that cannot be read are left out."""
    known: dict[str, AttributeType] = {}
    for text in attributes:
        words = _words(text)
        for name in words.get("NAME", ()):
            found = AttributeType(
                words["NAME"][0],
                next(iter(words.get("SYNTAX", ())), "").partition("{")[0],
                next(iter(words.get("SUP", ())), ""),
                "SINGLE-VALUE" in words,
                "NO-USER-MODIFICATION" in words,
            )
            known[name.lower()] = found
    kinds: dict[str, ObjectClass] = {}
    for text in classes:
        words = _words(text)
        for name in words.get("NAME", ()):
            above, must, may = (tuple(words.get(key, ())) for key in ("SUP", "MUST", "MAY"))
            kinds[name.lower()] = ObjectClass(words["NAME"][0], above, must, may)
    return Schema(known, kinds)


def _words(text: str) -> dict[str, list[str]]:
    """Return the values of each key of a description, in the order in which they stand."""
    found: dict[str, list[str]] = {}
    key, depth = "", 0
    if len(text) > LONGEST:
        return found
    for match in _TOKEN.finditer(text):
        quoted, sign, word = match.groups()
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif quoted is not None or depth > 1:
            found.setdefault(key, []).append(quoted if quoted is not None else word or "")
        elif word is not None and word.replace("-", "").isupper():
            key = word
            found.setdefault(key, [])
        elif word is not None:
            found.setdefault(key, []).append(word)
    return {name: [one for one in values if one and one != "$"] for name, values in found.items()}
