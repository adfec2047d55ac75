"""What a call sends: constants, with places that arguments fill."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DEEPEST = 32
_PLACE = re.compile(r"\{((?:session\.)?[A-Za-z_][A-Za-z0-9_-]{0,63})\}")
_CONSTANT = re.compile(r"\{\{[^{}]*\}\}")
_ABSENT = object()

Kind = Callable[[Any], Any]
"""Makes a value of a protocol's own from a JSON one. Raises `Unsendable`."""


class TemplateInvalid(ValueError):
    """A template cannot be used; the text says why."""


class Unsendable(ValueError):
    """A value has no form in the protocol; the text names no value."""


class Template:
    """A JSON value. A text that is a place and nothing else, such as `{id}`, stands for the argument of that name, as
    the JSON value that it is; `{{id}}` is the text `{id}`. `{session.NAME}` is what a login kept.

    An object whose only member is one of *kinds* stands for a value of the protocol's own. Raises `TemplateInvalid`.
    """

    def __init__(self, written: Any, kinds: Mapping[str, Kind] | None = None) -> None:
        self.written = written
        self._kinds = kinds or {}
        parts = list(_parts(written, 0))
        self.places = frozenset(match[1] for one in parts if (match := _place(one)) is not None)

    def fill(self, values: Mapping[str, Any]) -> Any:
        """Return what is sent with *values*. A member for which there is none is left out, and so is the end of a list.

        Raises `Unsendable`.
        """
        filled = self._filled(self.written, values)
        return None if filled is _ABSENT else filled

    def _filled(self, part: Any, values: Mapping[str, Any]) -> Any:
        if isinstance(part, str):
            match = _place(part)
            if match is not None:
                return values.get(match[1], _ABSENT)
            return part[1:-1] if _CONSTANT.fullmatch(part) else part
        if isinstance(part, list):
            return _list([self._filled(one, values) for one in part])
        if not isinstance(part, Mapping):
            return part
        members = {name: self._filled(one, values) for name, one in part.items()}
        given = {name: one for name, one in members.items() if one is not _ABSENT}
        kind = self._kinds.get(next(iter(part))) if len(part) == 1 else None
        if kind is None:
            return given
        return kind(next(iter(given.values()))) if given else _ABSENT


def _list(filled: list[Any]) -> list[Any]:
    while filled and filled[-1] is _ABSENT:
        filled.pop()
    if _ABSENT in filled:
        raise Unsendable("an argument that comes by its position cannot be left out when a later one is given")
    return filled


def _place(part: Any) -> re.Match[str] | None:
    return _PLACE.fullmatch(part) if isinstance(part, str) else None


def _parts(written: Any, depth: int) -> Iterator[Any]:
    if depth > DEEPEST:
        raise TemplateInvalid(f"is nested deeper than {DEEPEST} levels")
    if isinstance(written, Mapping):
        for one in written.values():
            yield from _parts(one, depth + 1)
    elif isinstance(written, list):
        for one in written:
            yield from _parts(one, depth + 1)
    else:
        yield written
