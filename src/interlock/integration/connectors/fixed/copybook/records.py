"""One record: bytes to values and back, changing no byte whose value does not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.integration.connectors.fixed.copybook.codecs import Unfit, Unreadable
from interlock.integration.connectors.fixed.copybook.layout import Group, Layout, Leaf, Node, Table, names_of
from interlock.integration.connectors.fixed.copybook.placement import (
    MOST_UNREAD,
    Placed,
    Placement,
    Unread,
    joined,
    place,
    place_counted,
)


@dataclass(slots=True)
class Decoded:
    """What a record holds: nested *values* (None for a field that cannot be read) and what is *unread*, and why."""

    values: dict[str, Any] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)


class RecordUnfit(ValueError):
    """Values do not make a record; *problems* are pairs of a field's path and a reason, without values."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path} {reason}".strip() for path, reason in problems[:5]))
        self.problems = problems


def decode(layout: Layout, data: bytes) -> Decoded:
    """Return what *data*, one record without its frame, holds."""
    placement = place(layout, data)
    found = Decoded(unread=list(placement.unread))
    _read_group(placement.root, data, "", found.values, found.unread)
    for leaf, offset in layout.renames:
        found.values[leaf.name] = _read(leaf, offset, data, leaf.name, found.unread)
    if placement.complete and len(data) > placement.root.size:
        more = len(data) - placement.root.size
        found.unread.append(Unread("", placement.root.size, f"{more} bytes follow what the copybook describes"))
    del found.unread[MOST_UNREAD:]
    return found


def _read_group(placed: Placed, data: bytes, path: str, values: dict[str, Any], unread: list[Unread]) -> None:
    assert isinstance(placed.node, Group)
    for name in names_of(placed.node):
        values.setdefault(name, None)  # what cannot be located is there, and unknown
    for member in placed.members:
        node = member.node
        if node.name:
            values[node.name] = _read_node(member, data, joined(path, node.name), unread)
        elif isinstance(node, Group):
            _read_group(member, data, path, values, unread)


def _read_node(placed: Placed, data: bytes, path: str, unread: list[Unread]) -> Any:
    node = placed.node
    if isinstance(node, Leaf):
        return _read(node, placed.offset, data, path, unread)
    if isinstance(node, Table):
        if placed.count < 0:
            return None
        members = placed.members[: placed.count]
        return [_read_node(member, data, f"{path}[{index}]", unread) for index, member in enumerate(members)]
    values: dict[str, Any] = {}
    _read_group(placed, data, path, values, unread)
    return values


def _read(leaf: Leaf, offset: int, data: bytes, path: str, unread: list[Unread]) -> Any:
    part = data[offset : offset + leaf.size]
    if len(part) < leaf.size:
        unread.append(Unread(path, offset, "the record ends before it does"))
        return None
    try:
        return leaf.codec.decode(part)
    except Unreadable as error:
        unread.append(Unread(path, offset, str(error)))
        return None


def encode(layout: Layout, values: Mapping[str, Any], base: bytes | None = None) -> bytes:
    """Return the record that *values* make of *base*, or of a new one.

    A field that is not given, or given with the value that it has, keeps its bytes; so do those without a name. A
    None leaves a field that cannot be read as it is. Where redefinitions overlap, those whose value changes count.
    Raises `RecordUnfit`.
    """
    return _Writer(layout, values, base).write()


class _Writer:
    def __init__(self, layout: Layout, values: Mapping[str, Any], base: bytes | None) -> None:
        self._layout = layout
        self._values = values
        self._base = base
        self._problems: list[tuple[str, str]] = []
        self._counts: list[int] = []

    def write(self) -> bytes:
        before, placement = self._shaped()
        buffer = bytearray(before)
        touched = bytearray(len(before))
        self._write_group(placement.root, self._values, "", (before, buffer, touched))
        for leaf, offset, count in placement.counters:
            self._count(leaf, offset, count, (before, buffer, touched))
        if self._problems:
            raise RecordUnfit(self._problems)
        return bytes(buffer)

    def _shaped(self) -> tuple[bytes, Placement]:
        """Return the bytes to write into, tables of changing length as long as *values* want them, and the places."""
        base = self._base
        if base is None:
            shaped = b"".join(self._shape(self._layout.root, None, self._values, ""))
        else:
            placement = place(self._layout, base)
            if not placement.complete or not self._resized(placement.root, self._values):
                return base, placement
            tail = base[placement.root.size :]
            shaped = b"".join(self._shape(self._layout.root, placement.root, self._values, "")) + tail
            if len(base) < placement.root.size:
                self._problems.append(("", "is too short for its tables to be made longer or shorter"))
        if self._problems:
            raise RecordUnfit(self._problems)
        return shaped, place_counted(self._layout, iter(self._counts))

    def _resized(self, placed: Placed, values: Any) -> bool:
        """Whether some table is given with another length than it has."""
        node = placed.node
        if isinstance(node, Table):
            if not isinstance(values, list):
                return False
            if node.depending is not None and len(values) != placed.count:
                return True
            return any(self._resized(one, value) for one, value in zip(placed.members, values, strict=False))
        if isinstance(node, Leaf) or not isinstance(values, Mapping):
            return False
        return any(self._resized(one, values.get(one.node.name) if one.node.name else values) for one in placed.members)

    def _shape(self, node: Node, placed: Placed | None, values: Any, path: str) -> Iterator[bytes]:
        if isinstance(node, Leaf):
            kept = self._base[placed.offset : placed.offset + node.size] if self._base and placed else b""
            yield kept if len(kept) == node.size else node.first
        elif isinstance(node, Group):
            given = values if isinstance(values, Mapping) else {}
            for index, member in enumerate(node.members):
                inner = given.get(member.name) if member.name else given
                if not member.redefines:
                    below = placed.members[index] if placed else None
                    yield from self._shape(member, below, inner, joined(path, member.name))
        else:
            yield from self._shape_table(node, placed, values, path)

    def _shape_table(self, node: Table, placed: Placed | None, values: Any, path: str) -> Iterator[bytes]:
        had = max(placed.count, 0) if placed is not None else node.least if node.depending else node.most
        count = len(values) if isinstance(values, list) and node.depending is not None else had
        if not node.least <= count <= node.most:
            self._problems.append((path, f"must stand {node.least} to {node.most} times"))
            return
        if node.depending is not None:
            self._counts.append(count)
        old = placed.members if placed is not None else []
        for index in range(count):
            value = values[index] if isinstance(values, list) and index < len(values) else None
            kept = old[index] if index < min(had, len(old)) else None
            yield from self._shape(node.item, kept, value, f"{path}[{index}]")
        if not self._layout.dialect.slides:
            for index in range(count, node.most):
                # Room that does not count yet; the counts of tables in it are not the record's.
                yield from self._unused(node, old[index] if index < len(old) else None)

    def _unused(self, node: Table, placed: Placed | None) -> Iterator[bytes]:
        if placed is not None and self._base:
            kept = self._base[placed.offset : placed.offset + node.item.size]
            if len(kept) == node.item.size:
                yield kept
                return
        kept_counts = list(self._counts)
        yield from self._shape(node.item, None, None, "")
        self._counts = kept_counts

    def _write_group(self, placed: Placed, values: Any, path: str, into: tuple[bytes, bytearray, bytearray]) -> None:
        assert isinstance(placed.node, Group)
        if not isinstance(values, Mapping):
            self._problems.append((path, "must be an object"))
            return
        if not path or placed.node.name or path.endswith("]"):
            known = set(names_of(placed.node))
            for name in values:
                if name not in known:
                    self._problems.append((joined(path, str(name)), "is no field of the record"))
        for member in placed.members:
            node = member.node
            if not node.name:
                if isinstance(node, Group):
                    self._write_group(member, values, path, into)
            elif node.name in values:
                self._write_node(member, values[node.name], joined(path, node.name), into)

    def _write_node(self, placed: Placed, value: Any, path: str, into: tuple[bytes, bytearray, bytearray]) -> None:
        node = placed.node
        if isinstance(node, Leaf):
            self._write_leaf(node, placed.offset, value, path, into)
        elif value is None and self._base is not None:
            return
        elif isinstance(node, Group):
            self._write_group(placed, value, path, into)
        elif not isinstance(value, list) or len(value) != placed.count:
            self._problems.append((path, f"must be a list of {max(placed.count, 0)}"))
        else:
            for index, (member, one) in enumerate(zip(placed.members, value, strict=False)):
                self._write_node(member, one, f"{path}[{index}]", into)

    def _write_leaf(
        self, leaf: Leaf, offset: int, value: Any, path: str, into: tuple[bytes, bytearray, bytearray]
    ) -> None:
        before, buffer, touched = into
        end = offset + leaf.size
        old = before[offset:end]
        if len(old) < leaf.size:
            if value is not None:
                self._problems.append((path, "lies beyond the end of this record"))
            return
        try:
            has = leaf.codec.decode(old)
        except Unreadable:
            has = None
        if value is None:
            if has is not None or self._base is None:
                self._problems.append((path, "must have a value"))
            return
        try:
            new = leaf.codec.encode(value)
            if has is not None and leaf.codec.decode(new) == has:
                return
        except Unfit as error:
            if has is not None and type(has) is type(value) and has == value:
                return  # what was read may be kept, even where it could not be written
            self._problems.append((path, str(error)))
            return
        if any(touched[offset:end]) and buffer[offset:end] != new:
            self._problems.append((path, "shares bytes with another field that changes to something else"))
            return
        buffer[offset:end] = new
        touched[offset:end] = b"\x01" * leaf.size

    def _count(self, leaf: Leaf, offset: int, count: int, into: tuple[bytes, bytearray, bytearray]) -> None:
        """Make the field that says how often a table stands say so."""
        _, buffer, touched = into
        end = offset + leaf.size
        try:
            said = leaf.codec.decode(bytes(buffer[offset:end]))
        except Unreadable:
            said = None
        if said == count:
            return
        if any(touched[offset:end]):
            self._problems.append((leaf.name, f"does not say how often its table stands, which is {count} times"))
            return
        try:
            buffer[offset:end] = leaf.codec.encode(count)
        except Unfit as error:
            self._problems.append((leaf.name, str(error)))
            return
        touched[offset:end] = b"\x01" * leaf.size
