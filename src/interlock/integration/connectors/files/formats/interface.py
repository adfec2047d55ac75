"""What a format of files does for the operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, runtime_checkable

from interlock.integration.connectors.files.columns import Column, Texts


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a file may hold: bytes (packed or not), rows, columns, and signs in a cell."""

    size: int
    unpacked: int
    rows: int
    columns: int
    cell: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the file has it: *number* as a person would find it there, cells by column.

    *reason* (with *column*, where one is to blame) says why the row cannot be read; the rows after it can.
    """

    number: int
    cells: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reason: str = ""
    column: str = ""


class Format(Protocol):
    """A way to keep rows in a file. Bounds are kept while reading; whoever reads on pays for no more than a row."""

    @property
    def texts(self) -> Texts | None:
        """How its texts stand for values; None where its cells have types."""
        ...

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        """Yield every row from the start of *stream*, which can be sought in.

        Raises `FileBroken`, `FileTooLarge`, `ColumnsChanged`, and `PackageMissing`.
        """
        ...

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a whole file of *rows* (JSON values by column). Raises `ArgumentUnfit`, `PackageMissing`."""
        ...

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        """Return what the file itself calls its columns, for a survey. Raises as `rows` does."""
        ...


@runtime_checkable
class Growing(Format, Protocol):
    """A format whose files can be made longer."""

    def grow(
        self,
        old: BinaryIO,
        new: BinaryIO,
        columns: Mapping[str, Column],
        rows: Iterable[Mapping[str, Any]],
        bounds: Bounds,
    ) -> None:
        """Write the bytes of *old* and then *rows* into *new*. Raises `ColumnsChanged`, `ArgumentUnfit`."""
        ...
