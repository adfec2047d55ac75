"""XML: elements that are rows, their children and attributes that are cells. No document types, no entities."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import ArgumentUnfit, ColumnsChanged, FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.headings import Headings, few
from interlock.integration.connectors.files.formats.interface import Bounds, Row

CELL = re.compile(r"@?[A-Za-z_][A-Za-z0-9_.-]{0,99}")
"""What a cell is called: a child's name, or an attribute's with `@`."""
_CHUNK = 1 << 16
_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Markup:
    """Rows stand at *path*, names from the document's own element inwards, without their namespaces."""

    path: tuple[str, ...]
    texts: Texts = field(default_factory=Texts)
    headings: Headings = field(default_factory=Headings)

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        known = {column.label: column.name for column in columns.values()}
        for number, found in enumerate(self._found(stream, bounds), 1):
            if found.reason:
                yield Row(number, reason=found.reason, column=known.get(found.place, ""))
            elif self.headings.strange(found.cells, columns):
                yield Row(number, reason="has an element or attribute that is none of the declared columns")
            else:
                yield Row(number, {name: found.cells.get(label) for label, name in known.items()})

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        return next((list(found.cells) for found in self._found(stream, bounds)), [])

    def _found(self, stream: BinaryIO, bounds: Bounds) -> Iterator[_Found]:
        reader = _Reader(self.path, bounds, leaves=self.headings.leaves)
        stream.seek(0)
        count = 0
        while True:
            data = stream.read(_CHUNK)
            reader.feed(data)
            while reader.found:
                count += 1
                if count > bounds.rows:
                    detail = f"the file has more than the {bounds.rows} rows that are allowed"
                    raise FileTooLarge(detail, limit=bounds.rows)
                yield reader.found.popleft()
            if not data:
                return

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        *outer, name = self.path
        stream.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
        stream.write(("".join(f"<{one}>" for one in outer) + "\n").encode())
        for number, row in enumerate(rows, 1):
            cells = {column.label: self._cell(column, row, number) for column in columns.values()}
            attributes = "".join(
                f" {label[1:]}={quoteattr(text)}"
                for label, text in cells.items()
                if label[0] == "@" and text is not None
            )
            inner = "".join(
                f"<{label}>{escape(text, {chr(13): '&#13;'})}</{label}>"
                for label, text in cells.items()
                if label[0] != "@" and text is not None
            )
            stream.write(f"<{name}{attributes}>{inner}</{name}>\n".encode())
        stream.write(("".join(f"</{one}>" for one in reversed(outer)) + "\n").encode())

    def _cell(self, column: Column, row: Mapping[str, Any], number: int) -> str | None:
        value = row.get(column.name)
        if value is None:
            return None
        try:
            text = column.text(value, self.texts)
        except CellUnfit as error:
            raise ArgumentUnfit(f"row {number}, column {column.name} {error}", column=column.name) from None
        if _NEVER.search(text):
            raise ArgumentUnfit(f"row {number}, column {column.name} holds a sign that XML has not", column=column.name)
        return text


@dataclass(slots=True)
class _Found:
    """One row: texts by label, or why it cannot be read and the label that is to blame."""

    cells: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    place: str = ""


class _Reader:
    """Feeds the parser and gathers rows; the parser keeps nothing."""

    def __init__(self, path: tuple[str, ...], bounds: Bounds, *, leaves: bool) -> None:
        self.found: deque[_Found] = deque()
        self._path = path
        self._bounds = bounds
        self._leaves = leaves
        self._open: list[str] = []
        self._row: _Found | None = None
        self._text: list[str] = []
        self._length = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data

    def feed(self, data: bytes) -> None:
        """Parse *data*, empty at the end. Raises `FileBroken`, `FileTooLarge`, `ColumnsChanged`."""
        try:
            self._parser.Parse(data, not data)
        except expat.ExpatError as error:
            raise FileBroken(f"is no whole XML, at line {error.lineno}", row=0) from None
        except (LookupError, ValueError, UnicodeError):
            raise FileBroken("is in an encoding that is not known") from None

    def _doctype(self, *_: object) -> None:
        raise FileBroken("declares a document type, which is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition("}")[2]
        self._open.append(local)
        depth = len(self._open)
        if depth > len(self._path) + 50:
            raise FileTooLarge("the file is nested deeper than rows can be")
        if depth <= len(self._path):
            if local == self._path[depth - 1] and self._open == list(self._path[:depth]):
                if depth == len(self._path):
                    self._row = _Found({f"@{key.rpartition('}')[2]}": text for key, text in attributes.items()})
            elif depth == 1:
                raise ColumnsChanged(f"the document is no {self._path[0]}")
            elif not self._leaves:
                raise ColumnsChanged(f"the document has other elements than {'/'.join(self._path)}")
        elif self._row is not None and depth == len(self._path) + 1:
            few(len(self._row.cells) + 1, self._bounds.columns)
            if local in self._row.cells:
                self._blame("stands twice in its row", local)
            if attributes and not self._leaves:
                self._blame("has attributes", local)
            self._text, self._length = [], 0
        elif self._row is not None:
            self._blame("holds elements", self._open[len(self._path)])

    def _data(self, data: str) -> None:
        if self._row is None:
            return
        depth = len(self._open) - len(self._path)
        if depth == 0 and data.strip():
            self._blame("has text beside its cells", "")
        elif depth == 1:
            self._length += len(data)
            if self._length > self._bounds.cell:
                self._blame(f"is longer than the {self._bounds.cell} signs of a cell", self._open[-1])
            else:
                self._text.append(data)

    def _end(self, _: str) -> None:
        local = self._open.pop()
        depth = len(self._open) - len(self._path)
        if self._row is not None and depth == 0:
            self._row.cells[local] = "".join(self._text)
        elif self._row is not None and depth == -1:
            self.found.append(self._row)
            self._row = None

    def _blame(self, reason: str, place: str) -> None:
        if self._row is not None and not self._row.reason:
            self._row.reason, self._row.place = reason, place
