"""Pages of a list: how the next one is asked for, whatever the system behind it can do.

A cursor is opaque to callers: it holds where to go on, and a mark of the list that it goes on with. A list ends where
the system says so, or gives nothing more: a page that is shorter than asked for is the last only where the system is
known to give as many at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.governance.labels import is_masked
from interlock.integration.contracts.cursors import position_in
from interlock.integration.facades.errors import CursorInvalid, ListBroken
from interlock.integration.facades.fields import Path, member

LIMIT, CURSOR = "limit", "cursor"
"""What a caller asks for pages with."""
LONGEST_CURSOR = 2000


class Walk(Protocol):
    """How one list is gone through."""

    def asked(self, position: Any, size: int, /) -> Mapping[str, Any]:
        """Return the arguments for a page of *size* items from *position* (None: from the beginning)."""
        ...

    def page(self, items: Sequence[Any], result: Any, position: Any, size: int, /) -> tuple[Sequence[Any], Any]:
        """Return the page's items and where the next begins (None: there is none), from what a call returned.

        Raises `ListBroken`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Counting:
    """By how many items are left out before the page: arguments *offset* and *limit*.

    *surely* is how many items the system surely gives at once, 0 where that is not known.
    """

    offset: str
    limit: str
    surely: int = 0

    def asked(self, position: Any, size: int) -> Mapping[str, Any]:
        return {self.limit: size, self.offset: _count(position)}

    def page(self, items: Sequence[Any], _result: Any, position: Any, size: int) -> tuple[Sequence[Any], Any]:
        return items, None if _ends(items, size, self.surely) else _count(position) + len(items)


@dataclass(frozen=True, slots=True)
class Following:
    """By what the system itself says is next: at *next* in its result, given back as *cursor*."""

    cursor: str
    limit: str
    next: Path

    def asked(self, position: Any, size: int) -> Mapping[str, Any]:
        return _sized(self.limit, size) if position is None else {**_sized(self.limit, size), self.cursor: position}

    def page(self, items: Sequence[Any], result: Any, position: Any, _size: int) -> tuple[Sequence[Any], Any]:
        after = member(result, self.next)
        return items, None if after in (None, "", 0) else _following(after, position)


@dataclass(frozen=True, slots=True)
class Keyed:
    """By the last item of the page before: what it has at *key* is given back as *cursor*.

    *surely* is how many items the system surely gives at once, 0 where that is not known.
    """

    cursor: str
    limit: str
    key: Path
    surely: int = 0

    def asked(self, position: Any, size: int) -> Mapping[str, Any]:
        return {self.limit: size} if position is None else {self.limit: size, self.cursor: position}

    def page(self, items: Sequence[Any], _result: Any, position: Any, size: int) -> tuple[Sequence[Any], Any]:
        if _ends(items, size, self.surely):
            return items, None
        return items, _following(member(items[-1], self.key), position)


@dataclass(frozen=True, slots=True)
class Cutting:
    """Of a system that has no pages: it is asked for all, and the page is cut out of it."""

    def asked(self, _position: Any, _size: int) -> Mapping[str, Any]:
        return {}

    def page(self, items: Sequence[Any], _result: Any, position: Any, size: int) -> tuple[Sequence[Any], Any]:
        start = _count(position)
        return items[start : start + size], start + size if len(items) > start + size else None


def _ends(items: Sequence[Any], size: int, surely: int) -> bool:
    return not items or len(items) < size <= surely


def _following(after: Any, position: Any) -> Any:
    """Return *after* if it can be where the next page begins. Raises `ListBroken`."""
    if is_masked(after):
        return after
    if isinstance(after, bool) or not isinstance(after, (str, int)):
        raise ListBroken("there is more of the list, and no way on", why="what names the next page is missing or unfit")
    if after == position:
        raise ListBroken("the list does not go on", why="the system named a page as the next that was there before")
    return after


def _sized(name: str, size: int) -> dict[str, Any]:
    return {name: size} if name else {}


def _count(position: Any) -> int:
    if position is None:
        return 0
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < 1 << 53:
        raise _foreign()
    return position


@dataclass(frozen=True, slots=True)
class Paging:
    """A list's pages: of *size* items unless a caller asks for another number, *most* of them at most."""

    walk: Walk
    size: int
    most: int

    def properties(self) -> dict[str, Any]:
        """Return the schemas of what a caller may ask for pages with."""
        return {
            LIMIT: {
                "type": "integer",
                "minimum": 1,
                "maximum": self.most,
                "default": self.size,
                "description": "How many items a page has.",
            },
            CURSOR: {
                "type": "string",
                "maxLength": LONGEST_CURSOR,
                "description": "What the page before named as `next`.",
            },
        }


def position_of(cursor: str, mark: str) -> Any:
    """Return the position that *cursor* holds. Raises `CursorInvalid` for one of another list."""
    try:
        position = position_in(cursor, mark)
    except ValueError as error:
        raise _foreign() from error
    if position is None or isinstance(position, (list, dict)):
        raise _foreign()
    return position


def _foreign() -> CursorInvalid:
    return CursorInvalid(
        "the cursor is not one of this list",
        why="a cursor goes on with the very list that named it, asked for with the same arguments",
        fix="begin again without a cursor",
        field=CURSOR,
    )
