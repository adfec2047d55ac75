"""A JSON document that holds a list of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.headings import Headings
from interlock.integration.connectors.files.formats.interface import Bounds, Row
from interlock.integration.connectors.files.formats.lines import object_of, parse, row_of


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """The list stands at *at*, names of members from the outside in; none: the document is the list."""

    at: tuple[str, ...] = ()
    headings: Headings = field(default_factory=Headings)
    texts: Texts | None = None

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        for number, found in enumerate(self._list(stream, bounds), 1):
            yield row_of(number, found, columns, self.headings, bounds)

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        found = self._list(stream, bounds)
        if found and not isinstance(found[0], dict):
            raise FileBroken("is no object", row=1)
        return list(found[0]) if found else []

    def _list(self, stream: BinaryIO, bounds: Bounds) -> list[Any]:
        try:
            found = parse(stream.read(bounds.size).decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise FileBroken("holds a byte that is none of utf-8") from None
        except CellUnfit as error:
            raise FileBroken(f"{error}, or was cut off") from None
        for name in self.at:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, list):
            raise FileBroken("has no list" + (f" at {'.'.join(self.at)}" if self.at else ""))
        if len(found) > bounds.rows:
            raise FileTooLarge(f"the file has more than the {bounds.rows} rows that are allowed", limit=bounds.rows)
        return found

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        stream.write(b"".join(b'{"' + name.encode() + b'":' for name in self.at) + b"[")
        stream.writelines(
            (b",\n" if number > 1 else b"\n") + object_of(number, row, columns) for number, row in enumerate(rows, 1)
        )
        stream.write(b"\n]" + b"}" * len(self.at) + b"\n")
