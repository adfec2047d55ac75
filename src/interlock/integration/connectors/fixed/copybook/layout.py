"""Where each field of a record stands: sizes, boundaries, redefinitions and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.integration.connectors.fixed.copybook.charsets import Charset
from interlock.integration.connectors.fixed.copybook.codecs import Codec, OpaqueCodec, TextCodec
from interlock.integration.connectors.fixed.copybook.dialects import Dialect
from interlock.integration.connectors.fixed.copybook.fields import (
    ClauseConflict,
    boundary_of,
    codec_of,
    initial_of,
    widest_below,
)
from interlock.integration.connectors.fixed.copybook.findings import CopybookInvalid, Finding
from interlock.integration.connectors.fixed.copybook.items import Condition, Item

MAX_RECORD = 1 << 20
MAX_FIELDS = 200_000  # of one record, those of tables counted as often as they stand


@dataclass(slots=True, eq=False)
class Leaf:
    """One elementary field. *name* is as in JSON (`customer_id`), empty where nothing of it is shown."""

    name: str
    cobol: str
    codec: Codec
    first: bytes
    conditions: tuple[Condition, ...] = ()
    redefines: bool = False
    size: int = 0
    fields: int = 1

    def __post_init__(self) -> None:
        self.size = self.codec.size


@dataclass(slots=True, eq=False)
class Group:
    """Fields beside each other. One that *redefines* lies over the member before it that does not."""

    name: str
    cobol: str
    members: list[Node] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    redefines: bool = False
    size: int = 0
    fields: int = 0


@dataclass(slots=True, eq=False)
class Table:
    """One field or group that stands *least* to *most* times; *depending* is the field that says how often."""

    name: str
    cobol: str
    item: Leaf | Group
    least: int
    most: int
    depending: Leaf | None = None
    redefines: bool = False
    size: int = 0
    fields: int = 0


Node = Leaf | Group | Table


@dataclass(slots=True, eq=False)
class Layout:
    """One record's layout. *size* is its largest size in bytes, *least* its smallest."""

    name: str
    root: Group
    charset: Charset
    dialect: Dialect
    size: int
    least: int
    renames: tuple[tuple[Leaf, int], ...] = ()

    def leaves(self) -> Iterator[Leaf]:
        """Yield every field once, those of a table too."""
        yield from _leaves(self.root)


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Table):
        yield from _leaves(node.item)
    else:
        for member in node.members:
            yield from _leaves(member)


def json_name(cobol: str) -> str:
    """Return the name of a field as it is in JSON."""
    name = cobol.lower().replace("-", "_")
    return name if name[:1].isalpha() else f"f_{name}"


def lay_out(record: Item, charset: Charset, dialect: Dialect) -> Layout:
    """Return the layout of one record. Raises `CopybookInvalid` with every finding."""
    return _Builder(record, charset, dialect).build()


class _Builder:
    def __init__(self, record: Item, charset: Charset, dialect: Dialect) -> None:
        self._record = record
        self._charset = charset
        self._dialect = dialect
        self._findings: list[Finding] = []
        self._nameless = 0
        self._before: list[tuple[tuple[str, ...], Leaf, bool]] = []  # path from within, the field, inside a table

    def build(self) -> Layout:
        record = self._record
        try:
            node = self._node(record, (), 0, usage="")
        except ClauseConflict as error:
            raise CopybookInvalid([Finding(record.file, record.line, str(error))]) from None
        if isinstance(node, Table):
            raise CopybookInvalid([Finding(record.file, record.line, "a record itself cannot have OCCURS")])
        root = node
        if isinstance(root, Leaf):
            root = Group("", record.name, [root], [0], size=root.size, fields=1)
        if root.size > MAX_RECORD or root.fields > MAX_FIELDS:
            message = f"the record is larger than {MAX_RECORD} bytes, or has more than {MAX_FIELDS} fields"
            self._findings.append(Finding(record.file, record.line, message))
        renames = self._renames(root)
        if self._findings:
            raise CopybookInvalid(self._findings)
        root.name = ""
        slides = self._dialect.slides
        return Layout(
            record.name, root, self._charset, self._dialect, root.size, least_of(root) if slides else root.size, renames
        )

    def _node(self, item: Item, path: tuple[str, ...], offset: int, usage: str, *, tabled: bool = False) -> Node:
        usage = item.usage or usage
        nested = tabled
        tabled = tabled or item.occurs is not None
        node: Leaf | Group
        if any(child.level != 66 for child in item.children):
            node = self._group(item, (item.name, *path), offset, usage, tabled=tabled)
        else:
            codec = codec_of(item, usage, self._charset, self._dialect)
            shown = "" if isinstance(codec, OpaqueCodec) or not item.name else json_name(item.name)
            first = initial_of(item, codec, self._charset)
            node = Leaf(shown, item.name, codec, first, tuple(item.conditions), bool(item.redefines))
            self._before.append(((item.name, *path), node, tabled))
        if item.occurs is None:
            return node
        depending = self._depending(item) if item.occurs.depending else None
        if depending is not None and nested and not self._dialect.slides:
            raise ClauseConflict(f"{item.name or 'FILLER'} changes its length inside a table, and tables do not slide")
        name = json_name(item.name) if item.name else ""
        if not name and isinstance(node, Group) and any(names_of(node)):
            self._nameless += 1
            name = f"occurs_{self._nameless}"
        node.name = ""
        node.redefines = False
        most = item.occurs.most
        return Table(
            name, item.name, node, item.occurs.least, most, depending, bool(item.redefines), node.size * most,
            node.fields * most,
        )  # fmt: skip

    def _group(self, item: Item, path: tuple[str, ...], start: int, usage: str, *, tabled: bool) -> Group:
        group = Group(json_name(item.name) if item.name else "", item.name, redefines=bool(item.redefines))
        at = 0
        placed: dict[str, tuple[int, int]] = {}
        widest = widest_below(item, usage, self._dialect)
        for child in item.children:
            if child.level == 66:
                continue
            if child.redefines:
                self._redefining(child, group, path, placed, start, usage, tabled=tabled)
                continue
            boundary = boundary_of(child, child.usage or usage, self._dialect)
            if slack := -(start + at) % boundary:
                self._slack(group, slack, at)
                at += slack
            node = self._add(child, group, path, start + at, usage, tabled=tabled)
            if node is None:
                continue
            group.offsets.append(at)
            placed[child.name] = (at, node.size)
            at += node.size
        if item.occurs is not None and (slack := -at % widest):
            self._slack(group, slack, at)  # so that the next one begins on the boundary too
            at += slack
        group.size = at
        group.fields = sum(member.fields for member in group.members)
        self._unique(item, group)
        return group

    def _add(
        self, child: Item, group: Group, path: tuple[str, ...], offset: int, usage: str, *, tabled: bool
    ) -> Node | None:
        try:
            node = self._node(child, path, offset, usage, tabled=tabled)
        except ClauseConflict as error:
            self._findings.append(Finding(child.file, child.line, str(error)))
            return None
        group.members.append(node)
        return node

    def _redefining(
        self,
        child: Item,
        group: Group,
        path: tuple[str, ...],
        placed: dict[str, tuple[int, int]],
        start: int,
        usage: str,
        *,
        tabled: bool,
    ) -> None:
        target = placed.get(child.redefines)
        if target is None:
            message = f"{child.name or 'FILLER'} redefines {child.redefines}, which is no item of its level before it"
            self._findings.append(Finding(child.file, child.line, message))
            return
        at, size = target
        node = self._add(child, group, path, start + at, usage, tabled=tabled)
        if node is None:
            return
        group.offsets.append(at)
        placed[child.name] = target
        if node.size > size:
            message = f"{child.name or 'FILLER'} is {node.size} bytes long, {child.redefines} only {size}"
            self._findings.append(Finding(child.file, child.line, message))
        if least_of(node) != node.size:
            message = f"{child.name or 'FILLER'} redefines, so no table in it may change its length"
            self._findings.append(Finding(child.file, child.line, message))

    def _slack(self, group: Group, size: int, at: int) -> None:
        group.members.append(Leaf("", "", OpaqueCodec(size), bytes(size)))
        group.offsets.append(at)

    def _unique(self, item: Item, group: Group) -> None:
        names = list(names_of(group))
        for name in sorted({name for name in names if names.count(name) > 1}):
            message = f"{group.cobol or 'FILLER'} holds two fields that are {name} in JSON; rename one"
            self._findings.append(Finding(item.file, item.line, message))

    def _depending(self, item: Item) -> Leaf | None:
        assert item.occurs is not None
        name, *qualifiers = item.occurs.depending
        found = [
            leaf
            for path, leaf, _ in self._before
            if path[0] == name and all(one in path[1:] for one in qualifiers) and not isinstance(leaf.codec, TextCodec)
        ]
        if not found:
            message = f"OCCURS DEPENDING ON {name}: no number of that name stands before it in the record"
            self._findings.append(Finding(item.file, item.line, message))
            return None
        return found[-1]

    def _renames(self, root: Group) -> tuple[tuple[Leaf, int], ...]:
        found: list[tuple[Leaf, int]] = []
        spans = {node.cobol: (offset, node) for node, offset in _static(root, 0) if node.cobol}
        for item in self._record.children:
            if item.renames is None:
                continue
            ends = [spans.get(end) for end in item.renames]
            if ends[0] is None or ends[1] is None:
                message = f"{item.name} renames what is no item of fixed place in the record"
                self._findings.append(Finding(item.file, item.line, message))
                continue
            first, last = ends[0], ends[1]
            size = last[0] + last[1].size - first[0]
            if size <= 0:
                self._findings.append(Finding(item.file, item.line, f"{item.name} ends before it begins"))
                continue
            if first[1] is last[1] and isinstance(first[1], Leaf):
                codec = first[1].codec
            else:
                inside = [leaf for leaf, at in _static(root, 0) if first[0] <= at < first[0] + size]
                if any(
                    isinstance(one, Leaf) and not isinstance(one.codec, TextCodec) and _binary(one) for one in inside
                ):
                    continue  # a text over binary numbers shows nothing that can be read
                codec = TextCodec(size, self._charset)
            found.append((Leaf(json_name(item.name), item.name, codec, codec.initial(), redefines=True), first[0]))
        taken = set(names_of(root))
        return tuple(one for one in found if one[0].name not in taken)


def fixed_places(layout: Layout) -> dict[str, tuple[Leaf, int]]:
    """Return the fields outside tables that stand at the same place in every record, by path, with that place."""
    found: dict[str, tuple[Leaf, int]] = {}
    _fixed(layout.root, 0, "", found)
    return found


def _fixed(node: Node, offset: int, path: str, found: dict[str, tuple[Leaf, int]]) -> bool:
    """Gather the fields of fixed place; False once what follows may move."""
    path = f"{path}.{node.name}" if path and node.name else path or node.name
    if isinstance(node, Leaf):
        if node.name:
            found[path] = (node, offset)
        return True
    if isinstance(node, Table):
        return least_of(node) == node.size
    return all(_fixed(member, offset + at, path, found) for member, at in zip(node.members, node.offsets, strict=True))


def _binary(leaf: Leaf) -> bool:
    return type(leaf.codec).__name__ not in {"TextCodec", "ZonedCodec"}


def _static(node: Node, offset: int) -> Iterator[tuple[Node, int]]:
    """Yield what stands at the same place in every record, with that place."""
    yield node, offset
    if isinstance(node, Group):
        for member, at in zip(node.members, node.offsets, strict=True):
            yield from _static(member, offset + at)
            if least_of(member) != member.size:
                return


def least_of(node: Node) -> int:
    """Return the smallest size of *node*, where tables slide."""
    if isinstance(node, Leaf):
        return node.size
    if isinstance(node, Table):
        return least_of(node.item) * (node.least if node.depending is not None else node.most)
    return sum(least_of(member) for member in node.members if not member.redefines)


def names_of(group: Group) -> Iterator[str]:
    """Yield the names of a group's members in JSON; those of a nameless group are its parent's."""
    for member in group.members:
        if member.name:
            yield member.name
        elif isinstance(member, Group):
            yield from names_of(member)
