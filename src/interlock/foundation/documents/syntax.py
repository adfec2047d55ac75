"""YAML text to plain JSON values with the line of every member, within limits.

Plain scalars are `true`, `false`, `null`, `~`, numbers as JSON writes them, and else strings: `no`, `on`,
`1_000`, `0123` and dates stay strings. Duplicate keys, tags, keys that are no strings, and several
documents in one file are findings. Anchors and aliases may be used as long as what they expand to stays
within the limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from interlock.foundation.documents.findings import Finding
from interlock.foundation.documents.interpolation import NotInterpolated, interpolate
from interlock.foundation.documents.pointers import escape

MAX_BYTES = 1_048_576
MAX_DEPTH = 40
MAX_VALUES = 100_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")
_INFINITY = float("inf")
_LARGEST = 2**63 - 1


@dataclass(slots=True)
class Parsed:
    """What a text held; *interpolated* are the pointers whose text came from the environment."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    interpolated: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def parse(text: str, *, name: str, environment: Mapping[str, str]) -> Parsed:
    """Return the value, lines and problems of *text*; *name* is what findings call the file."""
    return _Reader(name, environment).read(text)


def scalar(text: str) -> Any:
    """Return what a plain (unquoted) scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and abs(number := int(text)) <= _LARGEST:
        return number
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if abs(value) != _INFINITY else text
    return text


@dataclass(slots=True)
class _Frame:
    """One open mapping or list while reading; *refused* says that the pending key's value is not taken."""

    value: dict[str, Any] | list[Any]
    pointer: str
    anchor: str | None
    before: int
    hidden: bool
    key: str | None = None
    refused: bool = False

    @property
    def wants_key(self) -> bool:
        return self.key is None and isinstance(self.value, dict)


class _TooMuch(Exception):
    """A limit was passed; reading further would be of no use."""


class _Reader:
    """Builds the value from the parser's events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment
        self._out = Parsed()
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0
        self._documents = 0

    def read(self, text: str) -> Parsed:
        try:
            events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
            for event in events:
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f" {error.context}" if error.context else ""
            self._find(mark.line + 1 if mark else 0, f"not YAML: {error.problem or 'unreadable'}{where}")
        except yaml.YAMLError:
            self._find(0, "not YAML: the text holds characters that YAML does not allow")
        except _TooMuch as limit:
            self._out.data = None
            self._find(0, str(limit))
        return self._out

    def _find(self, line: int, message: str, pointer: str = "") -> None:
        self._out.findings.append(Finding(self._name, line, pointer, message))

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            frame = self._stack.pop()
            if frame.anchor:
                self._anchors[frame.anchor] = (frame.value, self._count - frame.before)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:
                raise _TooMuch(f"a file holds one document; another begins at line {_line(event)}")

    def _open(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        line = _line(event)
        value: dict[str, Any] | list[Any] = {} if mapping else []
        self._check_tag(event.tag, line, "map" if mapping else "seq")
        if len(self._stack) >= MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels at line {line}")
        before = self._count
        parent = self._stack[-1] if self._stack else None
        if parent is not None and parent.wants_key:
            self._refuse_key(parent, line, "a key must be text, not a list or a mapping")
            self._stack.append(_Frame(value, parent.pointer, event.anchor, before, hidden=True))
            return
        hidden = parent is not None and (parent.hidden or parent.refused)
        pointer = self._place(value, line)
        self._stack.append(_Frame(value, pointer, event.anchor, before, hidden=hidden))

    def _take_scalar(self, event: Any) -> None:
        line = _line(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            self._take_key(frame, event, line)
            return
        plain = bool(event.implicit[0])
        if not plain:
            self._check_tag(event.tag, line, "str")
        text = event.value
        if "${" in text:
            text = self._fill(text, line)
        value = scalar(text) if plain else text
        pointer = self._place(value, line)
        if text != event.value:
            self._out.interpolated.add(pointer)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)

    def _fill(self, text: str, line: int) -> str:
        try:
            return interpolate(text, self._environment)
        except NotInterpolated as reason:
            self._find(line, str(reason), self._pointer())
            return text

    def _take_key(self, frame: _Frame, event: Any, line: int) -> None:
        key = event.value
        frame.key = key
        frame.refused = key in frame.value
        pointer = self._pointer()
        if frame.refused:
            first = self._out.lines.get(pointer, 0)
            self._find(line, f"key {key!r} stands twice (first at line {first})", frame.pointer)
        elif not frame.hidden:
            self._out.lines[pointer] = line

    def _refuse_key(self, frame: _Frame, line: int, message: str) -> None:
        self._find(line, message, frame.pointer)
        frame.key, frame.refused = "", True

    def _take_alias(self, event: Any) -> None:
        line = _line(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            self._refuse_key(frame, line, "an alias is not allowed as a key")
            return
        known = self._anchors.get(event.anchor)
        if known is None:
            self._find(line, f"alias {event.anchor!r} names nothing that is complete", self._pointer())
            known = (None, 1)
        value, size = known
        self._count += size - 1
        self._place(value, line)

    def _pointer(self) -> str:
        """Return the pointer of the value that comes next."""
        if not self._stack:
            return ""
        frame = self._stack[-1]
        member = len(frame.value) if isinstance(frame.value, list) else frame.key or ""
        return f"{frame.pointer}/{escape(member)}"

    def _place(self, value: Any, line: int) -> str:
        """Put *value* where reading stands; return its pointer."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise _TooMuch(f"more than {MAX_VALUES} values (an alias counts as all that it stands for)")
        pointer = self._pointer()
        frame = self._stack[-1] if self._stack else None
        if frame is None or not (frame.hidden or frame.refused):
            self._out.lines.setdefault(pointer, line)
        if frame is None:
            self._out.data = value
        elif isinstance(frame.value, list):
            frame.value.append(value)
        else:
            if not frame.refused:
                frame.value[frame.key or ""] = value
            frame.key, frame.refused = None, False
        return pointer

    def _check_tag(self, tag: str | None, line: int, standard: str) -> None:
        if tag not in {None, "!", f"tag:yaml.org,2002:{standard}"}:
            self._find(line, "tags are not supported; leave it out", self._pointer())


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
