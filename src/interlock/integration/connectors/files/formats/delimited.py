"""CSV and its dialects (RFC 4180 and what people make of it)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import ArgumentUnfit, FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.formulas import FormulaText, refuse
from interlock.integration.connectors.files.formats.headings import Headings, few
from interlock.integration.connectors.files.formats.interface import Bounds, Row
from interlock.integration.connectors.files.formats.lines import ENCODINGS, copied, lines

BLANK = "is a blank line, which could be a row or none"


@dataclass(frozen=True, slots=True)
class Delimited:
    """One dialect. *header* says whether the first row names the columns; without, they are in declared order."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    line_end: str = "\r\n"
    quotes_all: bool = False
    texts: Texts = field(default_factory=Texts)
    headings: Headings = field(default_factory=Headings)
    formula: FormulaText = refuse

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        records = self._records(stream, bounds)
        placed: list[Column | None] = list(columns.values())
        if self.header:
            number, first = next(records, (0, []))
            if not number:
                raise FileBroken("is empty: it has not even a header")
            few(len(first), bounds.columns)
            placed = self.headings.placed(first, columns)
        for number, cells in records:
            if not cells:
                if len(placed) == 1:  # a lone empty cell and a blank line look the same
                    yield Row(number, reason=BLANK)
                continue
            if len(cells) != len(placed):
                yield Row(number, reason=f"has {len(cells)} cells instead of {len(placed)}")
                continue
            found = zip(placed, cells, strict=True)
            long = next((one for one, cell in found if one is not None and len(cell) > bounds.cell), None)
            if long is not None:
                yield Row(number, reason=f"is longer than the {bounds.cell} signs of a cell", column=long.name)
                continue
            yield Row(number, {one.name: cell for one, cell in zip(placed, cells, strict=True) if one is not None})

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        _, first = next(self._records(stream, bounds), (0, []))
        few(len(first), bounds.columns)
        return first if self.header else [f"column_{place}" for place, _ in enumerate(first, 1)]

    def _records(self, stream: BinaryIO, bounds: Bounds) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number it has in the file. A record whose end is not sure ends everything."""
        longest = min(bounds.cell * 4 + 1024, csv.field_size_limit()) * 4
        reader = csv.reader(
            lines(stream, self.encoding, longest),
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=True,
        )
        number = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise FileBroken(f"cannot be told apart from the next: {_reason(error)}", row=number + 1) from None
            if cells is None:
                return
            number += 1
            if number > bounds.rows + self.header:
                raise FileTooLarge(f"the file has more than the {bounds.rows} rows that are allowed", limit=bounds.rows)
            few(len(cells), bounds.columns)
            yield number, cells

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        text = io.TextIOWrapper(stream, ENCODINGS[self.encoding], errors="strict", newline="", write_through=True)
        try:
            writer = csv.writer(
                text,
                delimiter=self.delimiter,
                quotechar=self.quote or None,
                quoting=csv.QUOTE_NONE if not self.quote else csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL,
                lineterminator=self.line_end,
            )
            if self.header:
                writer.writerow([column.label for column in columns.values()])
            for number, row in enumerate(rows, 1):
                writer.writerow([self._cell(column, row, number) for column in columns.values()])
        finally:
            text.detach()

    def grow(
        self,
        old: BinaryIO,
        new: BinaryIO,
        columns: Mapping[str, Column],
        rows: Iterable[Mapping[str, Any]],
        bounds: Bounds,
    ) -> None:
        ordered = columns
        if self.header:
            old.seek(0)
            _, first = next(self._records(old, bounds), (0, []))
            placed = Headings().placed(first, columns)
            ordered = {column.name: column for column in placed if column is not None}
        if copied(old, new) != b"\n":
            new.write(self.line_end.encode())
        encoding = "utf-8" if self.encoding == "utf-8-bom" else self.encoding  # its mark stands at the beginning
        replace(self, header=False, encoding=encoding).write(new, ordered, rows)

    def _cell(self, column: Column, row: Mapping[str, Any], number: int) -> str:
        try:
            written = column.text(row.get(column.name), self.texts)
            written = self.formula(written) if column.type == "string" else written
            written.encode(ENCODINGS[self.encoding])
            if not self.quote and any(sign in written for sign in (self.delimiter, "\r", "\n")):
                raise CellUnfit("holds the delimiter or a line end, and there are no quotes")
        except CellUnfit as error:
            raise ArgumentUnfit(f"row {number}, column {column.name} {error}", column=column.name) from None
        except UnicodeEncodeError:
            detail = f"row {number}, column {column.name} holds a sign that {self.encoding} has not"
            raise ArgumentUnfit(detail, column=column.name) from None
        return written


def _reason(error: csv.Error) -> str:
    words = str(error)
    if "field larger" in words:
        return "a cell is longer than is allowed"
    if "unexpected end" in words:
        return "the file ends inside quotes, so it was cut off"
    return "a quote or a line end stands where none may be"
