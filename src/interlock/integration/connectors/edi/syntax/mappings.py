"""Declared mappings: which element of which segment is which member of a message's JSON, read and written.

A mapping is data: a list of segments and loops in the message's order. A loop begins with its first segment. What no
entry names is reported, not lost: it stays in the message's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Members
from dataclasses import dataclass, field
from typing import Any

from interlock.integration.connectors.edi.syntax.elements import (
    TYPES,
    ElementType,
    Unread,
)
from interlock.integration.connectors.edi.syntax.envelopes import Line
from interlock.integration.connectors.edi.syntax.segments import Segment, SegmentUnfit

RESERVED = frozenset({"message", "after", "limit"})
MAX_REPEATS = 10_000
MAX_DEPTH = 8
_ADDRESS = re.compile(r"([1-9][0-9]?)(?:\.([1-9][0-9]?))?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}")

Address = tuple[int, int]


class MappingInvalid(ValueError):
    """A mapping cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A member that cannot be read: where it stands, and why."""

    segment: int
    field: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the problem as a JSON object."""
        return {"segment": self.segment, "field": self.field, "reason": self.reason}


@dataclass(slots=True)
class Shown:
    """A message as JSON: its *values*, what of it could not be read, and which segments no entry names."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unmapped: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Member:
    """One element under a name. *counts* is the loop whose number of turns it holds."""

    name: str
    type: ElementType
    required: bool = False
    counts: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of segment: it is meant where the elements *match*; *constants* are written beside."""

    tag: str
    match: Members[Address, str]
    constants: Members[Address, str]
    members: Members[Address, Member]
    required: bool = False

    def fits(self, segment: Segment) -> bool:
        """Whether *segment* is meant."""
        return segment.tag == self.tag and all(segment.get(*at) == text for at, text in self.match.items())


@dataclass(frozen=True, slots=True)
class Loop:
    """Segments that repeat together, as a list called *name*."""

    name: str
    of: tuple[Entry | Loop, ...]
    most: int = MAX_REPEATS
    required: bool = False

    def begins(self, segment: Segment) -> bool:
        """Whether a turn of the loop begins with *segment*."""
        first = self.of[0]
        return isinstance(first, Entry) and first.fits(segment)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The mapping of one type of message. *group* is its functional code in X12, *version* what is written."""

    message: str
    standard: str
    version: str
    group: str
    entries: tuple[Entry | Loop, ...]

    def show(self, segments: list[Segment], decimal: str = ".") -> Shown:
        """Return what a message holds, header and trailer left out."""
        reader = _Reader(segments, decimal)
        reader.level(self.entries, (), reader.shown.values, "")
        return reader.shown

    def body(self, values: Members[str, Any]) -> list[Line]:
        """Return the segments that *values* make. Raises `SegmentUnfit`, naming the member."""
        return list(_lines(self.entries, values, ""))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the message."""
        return _object(self.entries)


# --- reading ---------------------------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, segments: list[Segment], decimal: str) -> None:
        self._segments = segments
        self._decimal = decimal
        self._at = 0
        self.shown = Shown()

    def level(
        self, entries: tuple[Entry | Loop, ...], above: tuple[Entry | Loop, ...], values: dict[str, Any], path: str
    ) -> None:
        """Read segments into *values* until one belongs to a level *above*."""
        _empty(entries, values)
        first = entries[0] if above else None
        begun = False
        while self._at < len(self._segments):
            segment = self._segments[self._at]
            if begun and isinstance(first, Entry) and first.fits(segment):
                return  # the next turn of this loop
            found = _found(entries, segment)
            if found is None:
                if any(_takes(one, segment) for one in above):
                    return
                self.shown.unmapped.append(segment)
                self._at += 1
            elif isinstance(found, Loop):
                turns = values[found.name]
                inner: dict[str, Any] = {}
                turns.append(inner)
                if len(turns) > found.most:
                    self._problem(segment, f"{path}{found.name}", f"stands more than {found.most} times")
                self.level(found.of, (*entries, *above), inner, f"{path}{found.name}[{len(turns) - 1}].")
            else:
                self._entry(found, segment, values, path)
                self._at += 1
            begun = True

    def _entry(self, entry: Entry, segment: Segment, values: dict[str, Any], path: str) -> None:
        for at, member in entry.members.items():
            if member.counts:
                continue
            text = segment.get(*at)
            if not text:
                continue
            if values.get(member.name) is not None:
                self._problem(segment, f"{path}{member.name}", "stands twice; the first one is shown")
                continue
            try:
                values[member.name] = member.type.read(text, self._decimal)
            except Unread as error:
                self._problem(segment, f"{path}{member.name}", str(error))
        for member in entry.members.values():
            if member.required and not member.counts and values.get(member.name) is None:
                self._problem(segment, f"{path}{member.name}", "is missing or cannot be read")

    def _problem(self, segment: Segment, name: str, reason: str) -> None:
        self.shown.problems.append(Problem(segment.number, name, reason))


def _empty(entries: tuple[Entry | Loop, ...], values: dict[str, Any]) -> None:
    for entry in entries:
        if isinstance(entry, Loop):
            values.setdefault(entry.name, [])
        else:
            for member in entry.members.values():
                if not member.counts:
                    values.setdefault(member.name, None)


def _found(entries: tuple[Entry | Loop, ...], segment: Segment) -> Entry | Loop | None:
    return next((entry for entry in entries if _takes(entry, segment)), None)


def _takes(entry: Entry | Loop, segment: Segment) -> bool:
    return entry.begins(segment) if isinstance(entry, Loop) else entry.fits(segment)


# --- writing ---------------------------------------------------------------------------------------------------------


def _lines(entries: tuple[Entry | Loop, ...], values: Members[str, Any], path: str) -> Iterator[Line]:
    for entry in entries:
        if isinstance(entry, Loop):
            for index, turn in enumerate(values.get(entry.name) or ()):
                yield from _lines(entry.of, turn, f"{path}{entry.name}[{index}].")
        elif (elements := _elements(entry, values, path)) is not None:
            yield entry.tag, elements


def _elements(entry: Entry, values: Members[str, Any], path: str) -> list[list[str]] | None:
    """Return the elements of a segment, or None where nothing of it is given and it may be missing."""
    texts: dict[Address, str] = dict(entry.match) | dict(entry.constants)
    given = False
    for at, member in entry.members.items():
        value = len(values.get(member.counts) or ()) if member.counts else values.get(member.name)
        if value is None:
            if member.required:
                raise SegmentUnfit(f"{path}{member.name} is missing")
            continue
        given = given or not member.counts
        try:
            texts[at] = member.type.write(value)
        except SegmentUnfit as error:
            raise SegmentUnfit(f"{path}{member.name} {error}") from None
    if not given and not entry.required and entry.members:
        return None
    elements: list[list[str]] = [[] for _ in range(max((at for at, _ in texts), default=0))]
    for (element, part), text in texts.items():
        components = elements[element - 1]
        components.extend("" for _ in range(part - len(components)))
        components[part - 1] = text
    return elements


def _object(entries: tuple[Entry | Loop, ...]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for entry in entries:
        if isinstance(entry, Loop):
            items = _object(entry.of)
            properties[entry.name] = {"type": "array", "items": items, "maxItems": entry.most}
            if entry.required:
                properties[entry.name]["minItems"] = 1
                required.append(entry.name)
        else:
            for member in entry.members.values():
                if not member.counts:
                    properties[member.name] = dict(member.type.schema)
                    required += [member.name] if member.required else []
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": required} if required else schema


# --- the mapping itself ----------------------------------------------------------------------------------------------


def parse_mapping(data: Any) -> Mapping:
    """Return the mapping that a document declares. Raises `MappingInvalid`."""
    if not isinstance(data, dict) or not isinstance(data.get("segments"), list):
        raise MappingInvalid("a mapping is an object with `message`, `standard` and a list of `segments`")
    if unknown := data.keys() - {"message", "standard", "version", "group", "segments"}:
        raise MappingInvalid(f"it has unknown keys: {', '.join(sorted(map(str, unknown)))}")
    message, standard = str(data.get("message", "")), data.get("standard")
    if standard not in {"x12", "edifact"} or not re.fullmatch("[A-Z0-9]{3,6}", message):
        raise MappingInvalid("`standard` is x12 or edifact, and `message` a type such as 850 or ORDERS")
    entries = _entries(data["segments"], "segments", set(), 0)
    return Mapping(message, standard, str(data.get("version", "")), str(data.get("group", "")), entries)


def _entries(data: list[Any], place: str, names: set[str], depth: int) -> tuple[Entry | Loop, ...]:
    if depth > MAX_DEPTH or not data:
        raise MappingInvalid(f"{place}: loops are nested too deep, or one is empty")
    found: list[Entry | Loop] = []
    for index, one in enumerate(data):
        here = f"{place}[{index}]"
        if not isinstance(one, dict):
            raise MappingInvalid(f"{here}: must be an object")
        found.append(_loop(one, here, names, depth) if "loop" in one else _entry(one, here, names))
    loops = {entry.name for entry in found if isinstance(entry, Loop)}
    for entry in found:
        counted = {m.counts for m in entry.members.values() if m.counts} if isinstance(entry, Entry) else set()
        if counted - loops:
            raise MappingInvalid(f"{place}: `count` names {', '.join(sorted(counted - loops))}, which is no loop there")
    return tuple(found)


def _named(name: Any, place: str, names: set[str]) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        raise MappingInvalid(f"{place}: {str(name)[:40]!r} is no name; write lower-case letters, digits and _")
    if name in names:
        raise MappingInvalid(f"{place}: the name {name!r} is used twice")
    names.add(name)
    return name


def _loop(data: dict[str, Any], place: str, names: set[str], depth: int) -> Loop:
    if data.keys() - {"loop", "of", "most", "required"} or not isinstance(data.get("of"), list):
        raise MappingInvalid(f"{place}: a loop has `loop` (its name), `of` (a list), `most` and `required`")
    name = _named(data["loop"], place, names)
    most = data.get("most", MAX_REPEATS)
    if not isinstance(most, int) or not 1 <= most <= MAX_REPEATS:
        raise MappingInvalid(f"{place}: `most` is from 1 to {MAX_REPEATS}")
    entries = _entries(data["of"], f"{place}.of", set(), depth + 1)
    if not isinstance(entries[0], Entry):
        raise MappingInvalid(f"{place}: a loop begins with a segment")
    return Loop(name, entries, most, bool(data.get("required")))


def _entry(data: dict[str, Any], place: str, names: set[str]) -> Entry:
    if data.keys() - {"segment", "match", "constants", "elements", "required"}:
        raise MappingInvalid(f"{place}: a segment has `segment`, `match`, `constants`, `elements` and `required`")
    tag = data.get("segment")
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise MappingInvalid(f"{place}: `segment` is a tag such as BEG")
    match = {_address(at, place): str(text) for at, text in (data.get("match") or {}).items()}
    constants = {_address(at, place): str(text) for at, text in (data.get("constants") or {}).items()}
    members = {}
    for at, written in (data.get("elements") or {}).items():
        members[_address(at, place)] = _member(written, f"{place}.elements.{at}", names)
    return Entry(tag, match, constants, members, bool(data.get("required")))


def _address(at: Any, place: str) -> Address:
    found = _ADDRESS.fullmatch(str(at))
    if found is None:
        raise MappingInvalid(f"{place}: {str(at)[:20]!r} is no place; write 3 for an element, 3.2 for its component")
    return int(found[1]), int(found[2] or 1)


def _member(written: Any, place: str, names: set[str]) -> Member:
    long = {"name": written} if isinstance(written, str) else written
    if not isinstance(long, dict) or long.keys() - {"name", "type", "required", "count"}:
        raise MappingInvalid(f"{place}: must be a name, or an object with `name`, `type`, `required`, or `count`")
    kind = TYPES.get(long.get("type", "text"))
    if kind is None:
        raise MappingInvalid(f"{place}: `type` is one of {', '.join(TYPES)}")
    if "count" in long:
        return Member("", TYPES["integer"], counts=str(long["count"]))
    return Member(_named(long.get("name"), place, names), kind, bool(long.get("required")))
