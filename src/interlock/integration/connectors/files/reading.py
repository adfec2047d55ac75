"""Rows of a file as values: every one is there, or the file is refused, or the row is named as quarantined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from interlock.integration.connectors.files.columns import CellUnfit
from interlock.integration.connectors.files.errors import FileBroken, FilesTrouble
from interlock.integration.connectors.files.formats.interface import Bounds, Row
from interlock.integration.connectors.files.places.interface import Errand
from interlock.integration.connectors.files.setup import Folder

_OFTEN = 256


class RowBroken(FilesTrouble):
    """A row cannot be read as declared, and the declaration has such files refused."""

    code = "row_broken"


@dataclass(frozen=True, slots=True)
class Read:
    """One row: its number in the file, and its values, or what is wrong with it."""

    number: int
    values: dict[str, Any] | None
    wrong: dict[str, Any]


def read_rows(folder: Folder, stream: BinaryIO, bounds: Bounds, errand: Errand) -> Iterator[Read]:
    """Yield every row of *stream*. Raises `RowBroken` (unless the folder quarantines), and what its format raises."""
    if folder.format is None:
        raise FileBroken("has no declared format")
    for index, row in enumerate(folder.format.rows(stream, folder.columns, bounds)):
        if index % _OFTEN == 0:
            errand.left()
        read = _read(folder, row)
        if read.values is None and not folder.quarantines:
            column = f", column {read.wrong['column']}" if "column" in read.wrong else ""
            where = {name: read.wrong[name] for name in ("row", "column") if name in read.wrong}
            raise RowBroken(f"row {row.number}{column} {read.wrong['reason']}", **where)
        yield read


def _read(folder: Folder, row: Row) -> Read:
    if row.reason:
        return Read(row.number, None, _wrong(row.number, row.column, row.reason))
    values: dict[str, Any] = {}
    texts = folder.format.texts if folder.format is not None else None
    for name, column in folder.columns.items():
        try:
            values[name] = column.read(row.cells.get(name), texts)
        except CellUnfit as error:
            return Read(row.number, None, _wrong(row.number, name, str(error)))
    return Read(row.number, values, {})


def _wrong(number: int, column: str, reason: str) -> dict[str, Any]:
    return {"row": number, **({"column": column} if column else {}), "reason": reason}


def fits(folder: Folder, values: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether *values* holds all that is *wanted*."""
    return all(same(folder, name, values[name]) == same(folder, name, value) for name, value in wanted.items())


def same(folder: Folder, name: str, value: Any) -> Any:
    """Return what equal values of a column share: 1.5 and 1.50 are one decimal."""
    return folder.columns[name].equal(value)
