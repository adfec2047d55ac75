"""Parquet: one row group after the other, of the declared columns alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import ArgumentUnfit, FileBroken, FileTooLarge
from interlock.integration.connectors.files.formats.headings import Headings, few
from interlock.integration.connectors.files.formats.interface import Bounds, Row
from interlock.integration.connectors.files.packages import package

BATCH = 1024
SCALE = 10
"""Digits after the point of decimals as they are written."""


@dataclass(frozen=True, slots=True)
class Parquet:
    """A file's columns have names and types; only those that are declared are unpacked."""

    headings: Headings = field(default_factory=Headings)
    texts: Texts | None = None

    def rows(self, stream: BinaryIO, columns: Mapping[str, Column], bounds: Bounds) -> Iterator[Row]:
        arrow = package("pyarrow")
        file = _opened(stream, bounds)
        self.headings.placed(file.schema_arrow.names, columns)
        labels = {column.label: column.name for column in columns.values()}
        number = 0
        for group in range(file.metadata.num_row_groups):
            if file.metadata.row_group(group).total_byte_size > bounds.unpacked:
                detail = f"row group {group + 1} unpacks to more than the {bounds.unpacked} bytes that are allowed"
                raise FileTooLarge(detail, limit=bounds.unpacked)
            batches = file.iter_batches(BATCH, row_groups=[group], columns=list(labels), use_threads=False)
            try:
                for batch in batches:
                    for found in batch.to_pylist():
                        number += 1
                        yield _row(number, {labels[label]: value for label, value in found.items()}, bounds)
            except (arrow.ArrowException, ValueError, OSError, OverflowError, KeyError) as error:
                raise FileBroken("cannot be unpacked: the file is damaged", row=number + 1) from error
        if number != file.metadata.num_rows:
            raise FileBroken("has another number of rows than it says")

    def names(self, stream: BinaryIO, bounds: Bounds) -> list[str]:
        return list(_opened(stream, bounds).schema_arrow.names)

    def write(self, stream: BinaryIO, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> None:
        arrow = package("pyarrow")
        schema = arrow.schema([(column.label, _type(arrow, column)) for column in columns.values()])
        with package("pyarrow.parquet").ParquetWriter(stream, schema) as writer:
            kept: list[dict[str, Any]] = []
            for number, row in enumerate(rows, 1):
                kept.append({column.label: _written(column, row, number) for column in columns.values()})
            try:
                writer.write_table(arrow.Table.from_pylist(kept, schema=schema))
            except arrow.ArrowException:
                raise ArgumentUnfit(f"a decimal has more than {SCALE} digits after the point") from None


def _opened(stream: BinaryIO, bounds: Bounds) -> Any:
    arrow = package("pyarrow")
    stream.seek(0)
    try:
        file = package("pyarrow.parquet").ParquetFile(stream)
    except (arrow.ArrowException, OSError, ValueError):
        raise FileBroken("is no whole Parquet file") from None
    few(file.metadata.num_columns, bounds.columns)
    if file.metadata.num_rows > bounds.rows:
        raise FileTooLarge(f"the file has more than the {bounds.rows} rows that are allowed", limit=bounds.rows)
    return file


def _row(number: int, cells: dict[str, Any], bounds: Bounds) -> Row:
    for name, cell in cells.items():
        if isinstance(cell, str) and len(cell) > bounds.cell:
            return Row(number, reason=f"is longer than the {bounds.cell} signs of a cell", column=name)
    return Row(number, cells)


def _type(arrow: Any, column: Column) -> Any:
    types = {
        "string": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "decimal": arrow.decimal128(38, SCALE),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "datetime": arrow.timestamp("us"),
    }
    return types[column.type]


def _written(column: Column, row: Mapping[str, Any], number: int) -> Any:
    try:
        value = column.native(row.get(column.name))
        if isinstance(value, datetime) and value.tzinfo is not None:
            raise CellUnfit("has an offset; a column of times keeps none")
    except CellUnfit as error:
        raise ArgumentUnfit(f"row {number}, column {column.name} {error}", column=column.name) from None
    return float(value) if column.type == "number" and value is not None else value
