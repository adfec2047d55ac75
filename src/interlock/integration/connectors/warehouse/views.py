"""Declared tables as views of DuckDB, over exactly the files that they are made of now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.integration.connectors.files.errors import (
    ColumnsChanged,
    FileChanged,
    FileMissing,
    FileTooLarge,
    PlaceAway,
)
from interlock.integration.connectors.files.names import matches
from interlock.integration.connectors.files.places.interface import Entry, Errand, Stamp
from interlock.integration.connectors.files.places.local import LocalPlace
from interlock.integration.connectors.sql.tables import Spelling
from interlock.integration.connectors.warehouse.dialects import DUCK
from interlock.integration.connectors.warehouse.tables import Column, Table

ATTACHED = "warehouse"
MOST_FILES = 1000
_NAMES = Spelling('"')
_INTEGERS = "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT"
_FITTING: Mapping[str, frozenset[str]] = {
    "string": frozenset("VARCHAR UUID ENUM".split()),
    "integer": frozenset(_INTEGERS.split()),
    "decimal": frozenset(f"DECIMAL {_INTEGERS}".split()),
    "number": frozenset(f"FLOAT DOUBLE DECIMAL {_INTEGERS}".split()),
    "boolean": frozenset({"BOOLEAN"}),
    "date": frozenset({"DATE"}),
    "datetime": frozenset({"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}),
    "time": frozenset({"TIME"}),
    "duration": frozenset({"INTERVAL"}),
    "binary": frozenset({"BLOB"}),
}
"""Which of DuckDB's types hold what is declared; `json` takes all."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files that a table is made of now, below *folder*."""

    table: Table
    folder: Path
    entries: tuple[Entry, ...]

    @property
    def paths(self) -> list[str]:
        return [str(self.folder / entry.name) for entry in self.entries]

    @property
    def size(self) -> int:
        return sum(entry.stamp.size for entry in self.entries)

    @property
    def newest(self) -> float:
        return max((entry.modified or 0.0 for entry in self.entries), default=0.0)


def find(folder: Path, tables: Mapping[str, Table], errand: Errand) -> list[Found]:
    """Return the files of those of *tables* that are made of files.

    Raises `FileMissing` where a table has none, `PlaceAway`, `FileTooLarge` and `TimeOver`.
    """
    found: list[Found] = []
    with LocalPlace(folder).session(errand) as session:
        for table in tables.values():
            if not table.pattern:
                continue
            entries = [one for one in session.listing(table.folder).entries if matches(one.name, table.pattern)]
            if not entries:
                raise FileMissing(f"the table {table.name} has no file {table.pattern}")
            if len(entries) > MOST_FILES:
                raise FileTooLarge(f"the table {table.name} has more than {MOST_FILES} files", limit=MOST_FILES)
            if any(set(one.name) & set("[]") for one in entries):
                raise FileMissing(f"the table {table.name} has a file with a bracket in its name")
            found.append(Found(table, (folder / table.folder).resolve(), tuple(entries)))
    return found


def unchanged(folder: Path, before: list[Found], errand: Errand) -> None:
    """Raise `FileChanged` where the files are not those that were found *before*."""
    tables = {one.table.name: one.table for one in before}
    try:
        now = {one.table.name: _stamps(one) for one in (find(folder, tables, errand) if before else [])}
    except (FileMissing, FileTooLarge, PlaceAway):
        now = {}
    for one in before:
        if now.get(one.table.name) != _stamps(one):
            raise FileChanged(f"the files of {one.table.name} were written by another meanwhile")


def _stamps(found: Found) -> list[tuple[str, Stamp]]:
    return [(entry.name, entry.stamp) for entry in found.entries]


def as_of(times: Iterable[float]) -> str | None:
    """Return the oldest of *times*, each that of a table's newest file."""
    oldest = min(times, default=None)
    return None if oldest is None else datetime.fromtimestamp(oldest, UTC).isoformat(timespec="seconds")


def literal(text: str) -> str:
    """Return *text* as SQL writes it."""
    return f"'{text.replace(chr(39), 2 * chr(39))}'"


def scan(table: Table, paths: list[str], columns: list[str] | None = None) -> str:
    """Return the function that reads *paths*; of lines of JSON as texts, once its *columns* are known."""
    files = f"[{', '.join(map(literal, paths))}]"
    if table.format == "parquet":
        return f"read_parquet({files}, hive_partitioning = false)"
    if table.format == "csv":
        return (
            f"read_csv({files}, header = true, all_varchar = true, delim = {literal(table.delimiter)}, "
            f"quote = '\"', escape = '\"', encoding = {literal(table.encoding)}, strict_mode = true, "
            "hive_partitioning = false)"
        )
    known = ""
    if columns is not None:
        members = ", ".join(f"{literal(name)}: 'JSON'" for name in columns)
        known = f", columns = {{{members}}}"
    return f"read_json({files}, format = 'newline_delimited', hive_partitioning = false{known})"


def view(table: Table, source: str, types: Mapping[str, str], *, texts: bool, lines: bool = False) -> str:
    """Return the statement that makes the view of *table* over *source*, whose columns are of *types*.

    *texts* says that the file knows no types, so that every value is converted; *lines* that its values are JSON.
    Raises `ColumnsChanged`, which names the column.
    """
    shown = []
    for column in table.columns.values():
        if column.source not in types:
            raise ColumnsChanged(
                f"the table {table.name} has no column {column.source} any more, which is declared",
                column=column.name,
            )
        kind = types[column.source].partition("(")[0]
        if not texts and column.type != "json" and kind not in _FITTING[column.type]:
            raise ColumnsChanged(
                f"the column {column.source} of {table.name} is declared {column.type}, and is {kind}",
                column=column.name,
            )
        shown.append(f"{_converted(column, texts=texts, lines=lines)} AS {_NAMES.name(column.name)}")
    return f"CREATE VIEW {_NAMES.name(table.name)} AS SELECT {', '.join(shown)} FROM {source}"  # noqa: S608 - of declared names, quoted


def _converted(column: Column, *, texts: bool, lines: bool) -> str:
    name = _NAMES.name(column.source)
    if lines and column.type != "json":
        name = f"({name} ->> '$')"
    if column.type == "duration":
        return _duration(f"CAST({name} AS INTERVAL)")
    if column.type == "json" or (column.type == "decimal" and not texts):
        return name
    return f"CAST({name} AS {DUCK.types[column.type]})"


def _duration(value: str) -> str:
    """Return the expression for the interval *value* as ISO 8601 writes it, since it is no number of days."""
    part = {unit: f"date_part('{unit}', {value})" for unit in ("year", "month", "day", "hour", "minute", "microsecond")}
    months, minutes = f"{part['year']} * 12 + {part['month']}", f"{part['hour']} * 60 + {part['minute']}"
    exact = f"CAST(({minutes}) * 60 + {part['microsecond']} / 1e6 AS DECIMAL(38, 6))"
    seconds = f"rtrim(rtrim(CAST({exact} AS VARCHAR), '0'), '.')"
    return f"'P' || ({months}) || 'M' || {part['day']} || 'DT' || {seconds} || 'S'"


def attached(table: Table) -> str:
    """Return the name of a *table* of the attached database."""
    path = table.path if len(table.path) > 1 else ("main", *table.path)
    return _NAMES.name(ATTACHED, *path)


def described(rows: list[Any]) -> dict[str, str]:
    """Return the types of columns by name, from what DESCRIBE says."""
    return {str(row[0]): str(row[1]) for row in rows}
