"""Where the fields of one particular record stand, tables of changing length included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.integration.connectors.fixed.copybook.codecs import Unreadable
from interlock.integration.connectors.fixed.copybook.layout import (
    MAX_FIELDS,
    Group,
    Layout,
    Leaf,
    Node,
    Table,
    least_of,
)

MOST_UNREAD = 100


@dataclass(frozen=True, slots=True)
class Unread:
    """A field that cannot be read: its path in JSON, its offset in the record, and why."""

    field: str
    offset: int
    reason: str


@dataclass(slots=True)
class Placed:
    """A node at its place in one record. *members* are those of a group, or the occurrences of a table.

    *count* is how many occurrences count; where tables do not slide, more of them have room.
    """

    node: Node
    offset: int
    size: int = 0
    members: list[Placed] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class Placement:
    """All of one record. *complete* is False where the place of something cannot be told.

    *counters* are the fields that say how often a table stands: field, offset, times.
    """

    root: Placed
    complete: bool = True
    unread: list[Unread] = field(default_factory=list)
    counters: list[tuple[Leaf, int, int]] = field(default_factory=list)


def place(layout: Layout, data: bytes) -> Placement:
    """Return where the fields of *data* stand."""
    return _Placer(layout, data, None).place()


def place_counted(layout: Layout, counts: Iterator[int]) -> Placement:
    """Return where fields stand if the tables of changing length stand *counts* times, in the record's order."""
    return _Placer(layout, b"", counts).place()


class _Lost(Exception):
    """What follows cannot be located."""


class _Placer:
    def __init__(self, layout: Layout, data: bytes, counts: Iterator[int] | None) -> None:
        self._layout = layout
        self._data = data
        self._counts = counts
        self._where: dict[Leaf, int] = {}
        self._fields = 0
        self._found = Placement(Placed(layout.root, 0))

    def place(self) -> Placement:
        try:
            self._fill(self._found.root, "")
        except _Lost:
            self._found.complete = False
        return self._found

    def _fill(self, placed: Placed, path: str) -> None:
        node = placed.node
        if isinstance(node, Leaf):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise _Lost
            self._where[node] = placed.offset
            placed.size = node.size
        elif isinstance(node, Group):
            self._group(placed, node, path)
        else:
            self._table(placed, node, path)

    def _group(self, placed: Placed, node: Group, path: str) -> None:
        shift = 0  # by how much tables before are shorter than they might be
        for member, offset in zip(node.members, node.offsets, strict=True):
            inner = Placed(member, placed.offset + offset - shift)
            placed.members.append(inner)
            self._fill(inner, joined(path, member.name))
            if not member.redefines:
                shift += member.size - inner.size
        placed.size = node.size - shift

    def _table(self, placed: Placed, node: Table, path: str) -> None:
        placed.count = -1  # until it is known
        placed.count = self._count(placed, node, path)
        slides = self._layout.dialect.slides
        at = placed.offset
        for index in range(placed.count if slides else node.most):
            inner = Placed(node.item, at)
            placed.members.append(inner)
            self._fill(inner, f"{path}[{index}]")
            at += inner.size
        placed.size = at - placed.offset

    def _count(self, placed: Placed, node: Table, path: str) -> int:
        if node.depending is None:
            return node.most
        counter, at = node.depending, self._where[node.depending]
        if self._counts is not None:
            count = next(self._counts)
            self._found.counters.append((counter, at, count))
            return count
        reason = f"how often it stands, {counter.cobol}, cannot be read"
        data = self._data[at : at + counter.size]
        try:
            value = counter.codec.decode(data) if len(data) == counter.size else None
        except Unreadable:
            value = None
        if value is not None:
            if value == int(value) and node.least <= value <= node.most:
                count = int(value)
                self._found.counters.append((counter, at, count))
                return count
            reason = f"how often it stands, {counter.cobol}, is not from {node.least} to {node.most}"
        slides = self._layout.dialect.slides
        more = ", so what follows cannot be located" if slides and least_of(node) != node.size else ""
        self._found.unread.append(Unread(path, placed.offset, reason + more))
        if slides:
            raise _Lost
        return -1


def joined(path: str, name: str) -> str:
    """Return the path of *name* below *path*; what has no name stands for its members."""
    return path if not name else f"{path}.{name}" if path else name
