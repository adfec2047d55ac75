"""Lines of text files: decoded strictly, each of a bounded length; and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import ArgumentUnfit, FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.headings import Headings, few
from interlock.integration.connectors.files.formats.interface import Bounds, Row

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-bom": "utf-8-sig",
    "ascii": "ascii",
    **{name: name for name in ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp437", "cp850", "cp852")},
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (1, 2, 5, 7, 9, 15)},
}
"""The encodings that can be declared, with Python's names. In all of them a line ends with the same byte."""
_BOM = b"\xef\xbb\xbf"


def lines(stream: BinaryIO, encoding: str, longest: int) -> Iterator[str]:
    """Yield the lines of *stream* with their ends. Raises `FileBroken` for a byte that *encoding* has not."""
    python = ENCODINGS[encoding]
    number = 0
    while data := stream.readline(longest + 1):
        number += 1
        if len(data) > longest:
            raise FileTooLarge(f"line {number} is longer than the {longest} bytes that are allowed", line=number)
        if number == 1 and python.startswith("utf-8"):
            data = data.removeprefix(_BOM)
        try:
            text = data.decode(python if python != "utf-8-sig" else "utf-8")
        except UnicodeDecodeError:
            raise FileBroken(f"holds a byte that is none of {encoding}, in line {number}") from None
        yield text


class _Twice(ValueError):
    """An object has a member twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _never(_: str) -> Any:
    raise ValueError


def parse(text: str) -> Any:
    """Return the JSON value in *text*, numbers exactly as they stand. Raises `CellUnfit`."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=_never)
    except _Twice:
        raise CellUnfit("has an object with the same member twice") from None
    except (ValueError, RecursionError, ArithmeticError):
        raise CellUnfit("is no JSON") from None


def row_of(number: int, found: Any, columns: Mapping[str, Column], headings: Headings, bounds: Bounds) -> Row:
    """Return the row that a JSON value is."""
    if not isinstance(found, dict):
        return Row(number, reason="is no object")
    few(len(found), bounds.columns)
    if headings.strange(found, columns):
        return Row(number, reason="has a member that is none of the declared columns")
    cells = {column.name: found.get(column.label) for column in columns.values()}
    for name, cell in cells.items():
        if isinstance(cell, str) and len(cell) > bounds.cell:
            return Row(number, reason=f"is longer than the {bounds.cell} signs of a cell", column=name)
    return Row(number, cells)


def object_of(number: int, row: Mapping[str, Any], columns: Mapping[str, Column]) -> bytes:
    """Return a row as a JSON object. Raises `ArgumentUnfit`."""
    for column in columns.values():
        try:
            column.native(row.get(column.name))
        except CellUnfit as error:
            raise ArgumentUnfit(f"row {number}, column {column.name} {error}", column=column.name) from None
    return orjson.dumps({column.label: row.get(column.name) for column in columns.values()})


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object in each line, in UTF-8."""

    headings: Headings = field(default_factory=Headings)
    texts: Texts | None = None

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        for number, found in self._values(stream, bounds):
            if isinstance(found, CellUnfit):
                yield Row(number, reason=str(found))
            else:
                yield row_of(number, found, columns, self.headings, bounds)

    def _values(self, stream: BinaryIO, bounds: Bounds) -> Iterator[tuple[int, Any]]:
        count = 0
        for number, line in enumerate(lines(stream, "utf-8", min(bounds.cell * bounds.columns, bounds.size)), 1):
            if not line.strip():
                continue
            count += 1
            if count > bounds.rows:
                raise FileTooLarge(f"the file has more than the {bounds.rows} rows that are allowed", limit=bounds.rows)
            try:
                yield number, parse(line)
            except CellUnfit as error:
                yield number, error

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        for number, found in self._values(stream, bounds):
            if not isinstance(found, dict):
                raise FileBroken("is no object", row=number)
            return list(found)
        return []

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        stream.writelines(object_of(number, row, columns) + b"\n" for number, row in enumerate(rows, 1))

    def grow(
        self,
        old: BinaryIO,
        new: BinaryIO,
        columns: Mapping[str, Column],
        rows: Iterable[Mapping[str, Any]],
        bounds: Bounds,  # noqa: ARG002 - the objects name their members themselves
    ) -> None:
        if copied(old, new) != b"\n":
            new.write(b"\n")
        self.write(new, columns, rows)


def copied(old: BinaryIO, new: BinaryIO) -> bytes:
    """Copy all of *old* to *new* and return the last byte, a line end where there is none."""
    old.seek(0)
    last = b"\n"
    while part := old.read(1 << 16):
        new.write(part)
        last = part[-1:]
    return last
