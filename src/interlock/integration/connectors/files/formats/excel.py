"""Excel workbooks (Office Open XML). Nothing in them is ever computed, and no text is written as a formula."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO
from xml.parsers.expat import ExpatError

from interlock.integration.connectors.files.columns import MOST_DIGITS, CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import ArgumentUnfit, FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.formulas import FormulaText, refuse
from interlock.integration.connectors.files.formats.headings import Headings, few
from interlock.integration.connectors.files.formats.interface import Bounds, Row
from interlock.integration.connectors.files.packages import package

MOST_PARTS = 5000
MOST_TEXT = 32_767
"""Signs in a cell of a spreadsheet."""
_CHUNK = 1 << 16
_DECLARED = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_SAFE = frozenset({b"utf-8", b"us-ascii", b"ascii"})
_BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, ExpatError, SyntaxError)
"""What reading a damaged workbook raises, by the part that is damaged."""


@dataclass(frozen=True, slots=True)
class Excel:
    """One sheet, whose row *header* names the columns. *stored* takes the values that a formula's cell last showed."""

    sheet: str = ""
    header: int = 1
    stored: bool = False
    headings: Headings = field(default_factory=Headings)
    formula: FormulaText = refuse
    texts: Texts | None = None

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        with self._cells(stream, bounds) as cells:
            placed: list[Column | None] | None = None
            for number, row in enumerate(cells, 1):
                if number < self.header:
                    continue
                if number == self.header:
                    placed = self.headings.placed(_names(row), columns)
                elif placed is not None:
                    if number > self.header + bounds.rows:
                        detail = f"the file has more than the {bounds.rows} rows that are allowed"
                        raise FileTooLarge(detail, limit=bounds.rows)
                    if any(cell.value is not None for cell in row):
                        yield _row(number, row, placed, bounds)
            if placed is None:
                raise FileBroken(f"has no row {self.header} to name its columns")

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        with self._cells(stream, bounds) as cells:
            for number, row in enumerate(cells, 1):
                if number == self.header:
                    return _names(row)
        return []

    @contextmanager
    def _cells(self, stream: BinaryIO, bounds: Bounds) -> Iterator[Iterator[Sequence[Any]]]:
        _inspect(stream, bounds)
        load = package("openpyxl").load_workbook
        try:
            book = load(stream, read_only=True, data_only=self.stored, keep_links=False)
            try:
                sheets = book.worksheets
                sheet = next((one for one in sheets if one.title == self.sheet or not self.sheet), None)
                if sheet is None:
                    raise FileBroken("has no such sheet" if self.sheet else "has no sheet")
                sheet.reset_dimensions()  # what the file says of its size may leave cells out
                yield _narrow(sheet.iter_rows(), bounds)
            finally:
                book.close()
        except _BROKEN:
            raise FileBroken("is no whole workbook, or is damaged") from None

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        openpyxl = package("openpyxl")
        illegal = package("openpyxl.utils.exceptions").IllegalCharacterError
        make = package("openpyxl.cell").WriteOnlyCell
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(self.sheet or "Sheet1")
        made = [[_text(make, sheet, column.label) for column in columns.values()]]
        for number, row in enumerate(rows, 1):
            cells = []
            for column in columns.values():
                try:
                    value = self._written(column, row.get(column.name))
                    cells.append(_text(make, sheet, value) if isinstance(value, str) else value)
                except CellUnfit as error:
                    raise ArgumentUnfit(f"row {number}, column {column.name} {error}", column=column.name) from None
                except illegal:
                    detail = f"row {number}, column {column.name} holds a control sign"
                    raise ArgumentUnfit(detail, column=column.name) from None
            made.append(cells)
        for row in [[]] * (self.header - 1) + made:  # not before all of them fit: the sheet is a file from now on
            sheet.append(row)
        book.save(stream)

    def _written(self, column: Column, value: Any) -> Any:
        native = column.native(value)
        if isinstance(native, str):
            native = self.formula(native)
            if len(native) > MOST_TEXT:
                raise CellUnfit(f"is longer than the {MOST_TEXT} signs that a spreadsheet's cell takes")
        counted = isinstance(native, Decimal | int) and not isinstance(native, bool)
        if counted and len(Decimal(native).normalize().as_tuple().digits) > MOST_DIGITS:
            raise CellUnfit(f"has more than the {MOST_DIGITS} digits that a spreadsheet keeps")
        if isinstance(native, datetime) and native.tzinfo is not None:
            raise CellUnfit("has an offset, which a spreadsheet does not keep")
        if isinstance(native, date) and native.year < 1901:
            raise CellUnfit("is earlier than the years that a spreadsheet has")
        return native


def _text(make: Any, sheet: Any, text: str) -> Any:
    cell = make(sheet, value=text)
    cell.data_type = "s"  # else a text that begins with = would be a formula
    return cell


def _narrow(rows: Iterator[Sequence[Any]], bounds: Bounds) -> Iterator[Sequence[Any]]:
    for row in rows:
        few(len(row), bounds.columns)
        yield row


def _names(row: Sequence[Any]) -> list[str]:
    cells = list(row)
    while cells and cells[-1].value is None:
        cells.pop()
    if any(cell.data_type == "f" for cell in cells):
        raise FileBroken("has a formula among the names of its columns")
    return ["" if cell.value is None else str(cell.value).strip() for cell in cells]


def _row(number: int, row: Sequence[Any], placed: Sequence[Column | None], bounds: Bounds) -> Row:
    cells: dict[str, Any] = dict.fromkeys((column.name for column in placed if column is not None), None)
    for place, cell in enumerate(row):
        if place >= len(placed):
            if cell.value is not None:
                return Row(number, reason="has a cell beyond the named columns")
            continue
        column = placed[place]
        if column is None or cell.value is None:
            continue
        if cell.data_type == "f":
            return Row(number, reason="holds a formula, and formulas are not computed here", column=column.name)
        if cell.data_type == "e":
            return Row(number, reason="holds an error of the spreadsheet", column=column.name)
        if isinstance(cell.value, str) and len(cell.value) > bounds.cell:
            return Row(number, reason=f"is longer than the {bounds.cell} signs of a cell", column=column.name)
        cells[column.name] = cell.value
    return Row(number, cells)


def _inspect(stream: BinaryIO, bounds: Bounds) -> None:
    """Unpack every part once, counting, and look for what its XML may not have.

    The sizes that an archive names may be lies. Raises `FileBroken`, `FileTooLarge`.
    """
    stream.seek(0)
    left = bounds.unpacked
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or len({part.filename for part in parts}) < len(parts):
                raise FileBroken("has too many parts, or one twice")
            for part in parts:
                with archive.open(part) as opened:
                    left = _inspect_part(opened, left, bounds.unpacked)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise FileBroken("is no whole workbook: the archive is damaged, encrypted or cut off") from None
    except zlib.error:
        raise FileBroken("is no whole workbook: a part cannot be unpacked") from None
    stream.seek(0)


def _inspect_part(opened: Any, left: int, most: int) -> int:
    before = b""
    first = True
    while data := opened.read(_CHUNK):
        left -= len(data)
        if left < 0:
            raise FileTooLarge(f"the workbook unpacks to more than the {most} bytes that are allowed", limit=most)
        if first and _is_xml(data) and not _plain_xml(data):
            raise FileBroken("has a part in an encoding that workbooks are not kept in")
        window = before + data
        if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
            raise FileBroken("declares a document type or entities, which no workbook needs")
        before, first = data[-16:], False
    return left


def _is_xml(data: bytes) -> bool:
    return b"<" in data[:8] or data[:2] in {b"\xff\xfe", b"\xfe\xff"}


def _plain_xml(data: bytes) -> bool:
    declared = _DECLARED.search(data.partition(b"?>")[0][:400])
    return b"\0" not in data[:16] and (declared is None or declared[1].lower() in _SAFE)
