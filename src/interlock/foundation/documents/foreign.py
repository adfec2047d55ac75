"""YAML that others wrote: the documents by which systems describe themselves.

It is read as JSON values by the rules of YAML 1.2, which OpenAPI asks for: `no`, `on` and dates are texts. Merge keys
(`<<`) are followed, as most writers of YAML know them. What it takes in time and memory is bounded by its own size: it
is built while it is parsed, so that depth costs no recursion, and what aliases and merge keys stand for is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from interlock.foundation.documents.syntax import scalar

LEAST_VALUES = 100_000
"""So many values may a document have by aliases and merge keys, or as many as it has bytes where those are more."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"True": True, "TRUE": True, "False": False, "FALSE": False, "Null": None, "NULL": None}
_MAYBE = re.compile(r"[-+.0-9tTfFnN~]|$")
_MERGE = "<<"
_TEXTS = frozenset({"!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary", "tag:yaml.org,2002:timestamp"})


class ForeignInvalid(ValueError):
    """A text is no YAML that can be read; the words say why, *line* where (0: unknown)."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


class _Frame:
    """One open mapping or list. *merges* says that the pending *key* is that of a merge."""

    __slots__ = ("anchor", "before", "key", "merges", "value")

    def __init__(self, value: Any, anchor: str | None, before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.before = before
        self.key: str | None = None
        self.merges = False


def foreign(content: bytes, *, deepest: int) -> Any:
    """Return what *content* holds, nested at most *deepest* levels. Raises `ForeignInvalid`."""
    return _Reader(max(LEAST_VALUES, len(content)), deepest).read(content)


class _Reader:
    """Builds the value. *most* values may it have."""

    def __init__(self, most: int, deepest: int) -> None:
        self._most = most
        self._deepest = deepest
        self._count = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._root: Any = None
        self._documents = 0

    def read(self, content: bytes) -> Any:
        try:
            events: Iterator[Any] = yaml.parse(content, Loader=_LOADER)
            for event in events:
                self._take(event)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise ForeignInvalid("is not valid YAML", mark.line + 1 if mark is not None else 0) from error
        return self._root

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if len(self._stack) >= self._deepest:
                raise ForeignInvalid(f"is nested deeper than {self._deepest} levels", _line(event))
            frame = self._stack[-1] if self._stack else None
            if frame is not None and frame.key is None and type(frame.value) is dict:
                raise ForeignInvalid("has a key that is no text", _line(event))
            self._stack.append(_Frame({} if kind is yaml.MappingStartEvent else [], event.anchor, self._count))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            frame = self._stack.pop()
            self._put(frame.value, event)
            if frame.anchor:
                self._anchors[frame.anchor] = frame.value, self._count - frame.before
        elif kind is yaml.AliasEvent:
            if event.anchor not in self._anchors:
                raise ForeignInvalid("refers to what is not there, or holds itself", _line(event))
            value, size = self._anchors[event.anchor]
            self._counted(size)
            self._put(value, event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise ForeignInvalid("holds more than one document", _line(event))

    def _scalar(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        text: str = event.value
        if frame is not None and frame.key is None and type(frame.value) is dict:
            frame.key, frame.merges = text, text == _MERGE and not event.style
            return
        value: Any = text
        if event.implicit[0] and not event.style and _MAYBE.match(text):
            value = _WORDS[text] if text in _WORDS else scalar(text)
        elif event.tag is not None and event.tag not in _TEXTS and not event.style:
            value = scalar(text)
        self._put(value, event)
        if event.anchor:
            self._anchors[event.anchor] = value, 1

    def _put(self, value: Any, event: Any) -> None:
        self._counted(1)
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        if type(frame.value) is list:
            frame.value.append(value)
            return
        key, frame.key = frame.key, None
        if key is None:
            raise ForeignInvalid("has a key that is no text", _line(event))
        if frame.merges:
            self._merge(frame, value, event)
        else:
            frame.value[key] = value

    def _merge(self, frame: _Frame, value: Any, event: Any) -> None:
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise ForeignInvalid("merges what is no mapping", _line(event))
            self._counted(len(one))
            for key, member in one.items():
                frame.value.setdefault(key, member)

    def _counted(self, values: int) -> None:
        self._count += values
        if self._count > self._most:
            raise ForeignInvalid("stands for many times what it holds, by aliases or merge keys")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
