"""What a connection says of its folders, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.files.columns import Column, columns_of
from interlock.integration.connectors.files.formats.choice import KINDS, format_of
from interlock.integration.connectors.files.formats.interface import Bounds, Format
from interlock.integration.connectors.files.names import unfit_path
from interlock.integration.connectors.interface import Trouble

MOST_SIZE = 4 << 30
USUAL = Bounds(size=64 << 20, unpacked=256 << 20, rows=1_000_000, columns=500, cell=32 << 10)


@dataclass(frozen=True, slots=True)
class Folder:
    """A declared folder. *format* is None where files are only listed and moved."""

    name: str
    path: str
    pattern: str
    format: Format | None
    columns: Mapping[str, Column]
    key: tuple[Column, ...]
    quarantines: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """All of a connection but its place."""

    folders: Mapping[str, Folder]
    bounds: Bounds


def setup_of(connection: Mapping[str, Any]) -> Setup:
    """Return what *connection*, which fits the plug-in's schema, says. Raises nothing for what `troubles` names."""
    return Setup({name: _folder(name, one) for name, one in connection["folders"].items()}, _bounds(connection))


def _folder(name: str, written: Mapping[str, Any]) -> Folder:
    columns = columns_of(written.get("columns", {}))
    return Folder(
        name,
        written["path"],
        written.get("pattern", "*"),
        format_of(written["format"], written.get("other_columns", "refuse")) if "format" in written else None,
        columns,
        tuple(columns[one] for one in written.get("key", ()) if one in columns),
        written.get("on_bad_row", "refuse") == "quarantine",
    )


def _bounds(connection: Mapping[str, Any]) -> Bounds:
    return Bounds(
        size=_size(connection, "max_size", USUAL.size),
        unpacked=_size(connection, "max_unpacked", USUAL.unpacked),
        rows=connection.get("max_rows", USUAL.rows),
        columns=connection.get("max_columns", USUAL.columns),
        cell=connection.get("max_cell", USUAL.cell),
    )


def _size(connection: Mapping[str, Any], key: str, usual: int) -> int:
    try:
        return size(connection[key]) if key in connection else usual
    except QuantityInvalid:
        return 0


def troubles(connection: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield what is wrong with a *connection* beyond its schema."""
    for key in ("max_size", "max_unpacked"):
        if not 1 <= _size(connection, key, 1) <= MOST_SIZE:
            yield Trouble(f"/connection/{key}", "must be between 1B and 4GiB")
    paths: dict[tuple[str, str], str] = {}
    for name, written in connection["folders"].items():
        pointer = f"/connection/folders/{name}"
        if reason := unfit_path(written["path"]):
            yield Trouble(f"{pointer}/path", reason)
        place = written["path"].casefold(), written.get("pattern", "*")
        if (other := paths.setdefault(place, name)) != name:
            yield Trouble(f"{pointer}/path", f"is the folder {other} already, with the same pattern")
        yield from _columns(pointer, written)
        yield from _format(pointer, written.get("format"))


def _columns(pointer: str, written: Mapping[str, Any]) -> Iterator[Trouble]:
    columns = columns_of(written.get("columns", {}))
    if ("format" in written) != bool(columns):
        yield Trouble(pointer, "needs `format` and `columns` together, or neither where files are only moved")
    if len({column.label for column in columns.values()}) != len(columns):
        yield Trouble(f"{pointer}/columns", "has one heading twice")
    for index, name in enumerate(written.get("key", ())):
        if name not in columns or columns[name].optional:
            yield Trouble(f"{pointer}/key/{index}", "must be a declared column that is never empty")
    for name, column in columns.items():
        if column.pattern and column.type not in {"date", "datetime"}:
            yield Trouble(f"{pointer}/columns/{name}/pattern", "is for a date or a datetime")


def _format(pointer: str, written: Mapping[str, Any] | None) -> Iterator[Trouble]:
    if written is None:
        return
    known = KINDS[written["kind"]].keys
    for key in written.keys() - known - {"kind"}:
        takes = ", ".join(sorted(known)) or "nothing more"
        yield Trouble(f"{pointer}/format/{key}", f"means nothing for {written['kind']}, which takes {takes}")
    signs = [written.get(key, usual) for key, usual in (("delimiter", ","), ("quote", '"'))]
    if written["kind"] == "csv" and signs[0] == signs[1]:
        yield Trouble(f"{pointer}/format/quote", "is the delimiter")
    if "thousands" in written and written["thousands"] == written.get("decimal", "."):
        yield Trouble(f"{pointer}/format/thousands", "is the decimal sign")
