"""From a declaration to the records of a file: copybook read, layouts made, keys and discriminators found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.fixed.copybook import (
    CHARSETS,
    DIALECTS,
    Charset,
    CopybookInvalid,
    Dialect,
    Layout,
    Leaf,
    fixed_places,
    json_name,
    lay_out,
    parse_copybook,
)
from interlock.integration.connectors.fixed.copybook.codecs import TextCodec, Unfit, Unreadable, ZonedCodec
from interlock.integration.connectors.fixed.copybook.items import Copybook, Item
from interlock.integration.connectors.fixed.framing import Blocked, Fixed, Format, Lines, Variable
from interlock.integration.connectors.interface import SystemDeclaration, Trouble

USUAL_LIMIT = "64MiB"
MAX_COPYBOOK = 2_000_000
_ENDINGS = ("", ".cpy", ".CPY", ".cbl", ".CBL", ".cob", ".copy")
_LINE_ENDS = {"lf": b"\n", "crlf": b"\n", "nel": b"\x15", "ebcdic-lf": b"\x25"}


@dataclass(frozen=True, slots=True)
class Place:
    """A field at a fixed place. *path* is as in JSON; *name* what an argument for it is called."""

    path: str
    name: str
    leaf: Leaf
    offset: int

    def read(self, body: bytes) -> Any:
        """Return the field's value in a record, or None where it cannot be read."""
        part = body[self.offset : self.offset + self.leaf.size]
        try:
            return self.leaf.codec.decode(part) if len(part) == self.leaf.size else None
        except Unreadable:
            return None

    def equal(self, value: Any) -> Any:
        """Return *value* as reading the field would give it. Raises `Unfit`."""
        try:
            return self.leaf.codec.decode(self.leaf.codec.encode(value))
        except Unreadable as error:
            raise Unfit(str(error)) from None


@dataclass(frozen=True, slots=True)
class RecordType:
    """One kind of record in a file. It is meant where each of *when* holds one of the values (or ranges) beside it."""

    name: str
    layout: Layout
    places: Mapping[str, Place]
    key: tuple[Place, ...] = ()
    when: tuple[tuple[Place, tuple[tuple[Any, Any], ...]], ...] = ()
    omit: frozenset[str] = frozenset()

    def fits(self, body: bytes) -> bool:
        """Whether *body* is such a record."""
        for place, ranges in self.when:
            value = place.read(body)
            if value is None or not any(low <= value <= high for low, high in ranges):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a connection says of its file."""

    charset: Charset
    format: Format
    limit: int
    records: Mapping[str, RecordType] = field(default_factory=dict)

    @staticmethod
    def empty() -> Setup:
        """Return what is left where the copybook is gone."""
        return Setup(CHARSETS["ascii"], Fixed(1), 0)


class _Wrong(Exception):
    """Part of a declaration cannot be used."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.trouble = Trouble(pointer, message)


def read_setup(system: SystemDeclaration, root: Path) -> tuple[Setup | None, list[Trouble]]:
    """Return what the connection of *system* says, or what is wrong with it."""
    connection = system.connection
    charset = CHARSETS[connection.get("encoding", "ascii")]
    usual = "ibm" if charset.ebcdic else "gnucobol"
    dialect = DIALECTS[connection.get("dialect", usual)].changed(
        floats=connection.get("floats", ""),
        order=connection.get("native_order", ""),
        sign=connection.get("sign", ""),
        tables=connection.get("tables", ""),
    )
    try:
        copybook = _copybook(connection["copybook"], connection.get("source", "auto"), root)
        records = _records(connection, copybook, charset, dialect)
        kind = _format(connection, charset, records)
        return Setup(charset, kind, size(connection.get("max_size", USUAL_LIMIT)), records), []
    except _Wrong as error:
        return None, [error.trouble]
    except CopybookInvalid as error:
        return None, [Trouble("/connection/copybook", str(finding)) for finding in error.findings[:20]]


def _copybook(name: str, form: str, root: Path) -> Copybook:
    text = _text(root, root / name)
    if text is None:
        raise _Wrong("/connection/copybook", "must be a copybook (a text file) of the project, given relative to it")
    folder = (root / name).parent

    def resolve(copied: str) -> tuple[str, str] | None:
        for candidate in (copied, copied.lower(), copied.upper()):
            for ending in _ENDINGS:
                file = folder / f"{candidate}{ending}"
                if (found := _text(root, file)) is not None:
                    return file.name, found
        return None

    return parse_copybook(text, name, form=form, resolve=resolve)


def _text(root: Path, file: Path) -> str | None:
    """Return the text of a file of the project, or None."""
    file = file.resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file() or file.stat().st_size > MAX_COPYBOOK:
        return None
    try:
        return file.read_text("latin-1")
    except OSError:
        return None


def _records(
    connection: Mapping[str, Any], copybook: Copybook, charset: Charset, dialect: Dialect
) -> dict[str, RecordType]:
    known = {json_name(item.name or "record"): item for item in copybook.records}
    declared: Mapping[str, Any] = connection.get("records") or {}
    if not declared:
        if len(known) != 1:
            raise _Wrong("/connection", f"needs `records`: the copybook declares {', '.join(known)[:200]}")
        declared = {name: {} for name in known}
    records = {}
    for name, settings in declared.items():
        pointer = f"/connection/records/{name}"
        level = json_name(settings.get("level", name))
        if level not in known:
            raise _Wrong(pointer, f"the copybook declares no record {level!r}; it declares {', '.join(known)[:200]}")
        records[name] = _record(name, settings, known[level], lay_out(known[level], charset, dialect), pointer)
    open_ones = [name for name, record in records.items() if not record.when]
    if len(records) > 1 and open_ones:
        raise _Wrong(f"/connection/records/{open_ones[0]}", "needs `when`, as the file holds other records too")
    return records


def _record(name: str, settings: Mapping[str, Any], item: Item, layout: Layout, pointer: str) -> RecordType:
    places: dict[str, Place] = {}
    by_path = fixed_places(layout)
    short = [path.rpartition(".")[2] for path in by_path]
    for path, (leaf, offset) in by_path.items():
        last = path.rpartition(".")[2]
        places[path] = Place(path, last if short.count(last) == 1 else path.replace(".", "__"), leaf, offset)
    when = settings.get("when", {})
    if isinstance(when, str):
        conditions = tuple(_condition(when, item, places, pointer))
    else:
        conditions = tuple(_values(when, places, pointer))
    key = tuple(_place(one, places, f"{pointer}/key/{index}") for index, one in enumerate(settings.get("key", ())))
    omitted = frozenset(json_name(one) for one in settings.get("omit", ()))
    names = {leaf.name for leaf in layout.leaves()} | {node for path in by_path for node in path.split(".")}
    for index, one in enumerate(settings.get("omit", ())):
        if json_name(one) not in names or any(json_name(one) in place.path.split(".") for place in key):
            raise _Wrong(f"{pointer}/omit/{index}", f"{one} is no field of the record, or is of its key")
    return RecordType(name, layout, places, key, conditions, omitted)


def _place(written: str, places: Mapping[str, Place], pointer: str) -> Place:
    path = ".".join(map(json_name, written.split(".")))
    found = [place for place in places.values() if path in {place.path, place.path.rpartition(".")[2]}]
    if len(found) != 1:
        reason = "more than one field" if found else "no field of fixed place"
        raise _Wrong(pointer, f"{written} is {reason} of the record; it has {', '.join(places)}"[:300])
    return found[0]


def _values(
    when: Mapping[str, Any], places: Mapping[str, Place], pointer: str
) -> Iterator[tuple[Place, tuple[tuple[Any, Any], ...]]]:
    for written, values in when.items():
        place = _place(written, places, f"{pointer}/when")
        yield (
            place,
            tuple(_range(place, one, one, pointer) for one in (values if isinstance(values, list) else [values])),
        )


def _condition(
    name: str, item: Item, places: Mapping[str, Place], pointer: str
) -> Iterator[tuple[Place, tuple[tuple[Any, Any], ...]]]:
    del item
    for place in places.values():
        for condition in place.leaf.conditions:
            if condition.name == name.upper():
                yield place, tuple(_range(place, low, high, pointer) for low, high in condition.values)
                return
    raise _Wrong(f"{pointer}/when", f"no field of fixed place has a level 88 named {name}")


def _range(place: Place, low: Any, high: Any, pointer: str) -> tuple[Any, Any]:
    words = {"SPACE": "", "SPACES": "", "ZERO": "0", "ZEROS": "0", "ZEROES": "0"}
    try:
        text = isinstance(place.leaf.codec, TextCodec)
        both = [words.get(one, one) if isinstance(one, str) else one for one in (low, high)]
        if text:
            both = [str(one) for one in both]
        return place.equal(both[0]), place.equal(both[1])
    except Unfit as error:
        raise _Wrong(f"{pointer}/when", f"a value for {place.path} {error}") from None


def _format(connection: Mapping[str, Any], charset: Charset, records: Mapping[str, RecordType]) -> Format:
    word = connection.get("format", "fixed")
    largest = max(record.layout.size for record in records.values())
    if word == "fixed":
        length = connection.get("record_length", largest)
        if length < largest:
            raise _Wrong("/connection/record_length", f"is less than the {largest} bytes of the copybook's record")
        return Fixed(length)
    if "record_length" in connection:
        raise _Wrong("/connection/record_length", "goes with the format `fixed` only")
    if word == "variable":
        return Variable()
    if word == "gnucobol-variable":
        return Variable(includes_word=0)
    if word == "blocked":
        return Blocked()
    for record in records.values():
        for leaf in record.layout.leaves():
            if leaf.name and not isinstance(leaf.codec, (TextCodec, ZonedCodec)):
                raise _Wrong("/connection/format", f"`lines` cannot hold binary numbers, and {leaf.cobol} is one")
    usual = "nel" if charset.ebcdic else "lf"
    kind = connection.get("line_end", usual)
    end = _LINE_ENDS[kind]
    return Lines(end, charset.space, b"\r\n" if kind == "crlf" else end)
