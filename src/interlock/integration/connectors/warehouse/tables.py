"""The tables that a warehouse declares, and the types of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from interlock.integration.connectors.files.names import unfit_path
from interlock.integration.connectors.interface import Trouble

FORMATS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
ADDED = frozenset({"after", "limit"})
"""Arguments that reads of a table have beside their filters."""

TYPES: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "time": {"type": "string"},
    "duration": {"type": "string", "description": "as ISO 8601 writes durations"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "json": {},
}
"""The JSON Schema of each type that a column can be of."""
PLAIN = frozenset({"string", "integer", "decimal", "number", "boolean", "date", "datetime"})
"""Types that can be filtered, grouped and ordered by."""
STEADY = frozenset({"string", "integer", "date", "datetime"})
"""Types whose values come back from a cursor exactly as they were."""
COUNTABLE = frozenset({"integer", "decimal", "number"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. *source* is its name in the file or database."""

    name: str
    type: str
    optional: bool
    source: str

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a value that is there."""
        return dict(TYPES[self.type])

    @property
    def output(self) -> dict[str, Any]:
        """The JSON Schema of what stands in a row."""
        return nullable(self.schema) if self.optional else self.schema


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its *columns* by name, and the columns of its *key*. It is *path* in a database, or the files whose
    names fit *pattern* in *folder*, of a *format* with its *settings*.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[Column, ...]
    path: tuple[str, ...] = ()
    folder: str = "."
    pattern: str = ""
    format: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* for a value that may be null."""
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else dict(schema)


def tables_of(connection: Mapping[str, Any]) -> dict[str, Table]:
    """Return the declared tables by name."""
    return {name: _table(name, written) for name, written in connection["tables"].items()}


def _table(name: str, written: Mapping[str, Any]) -> Table:
    columns = {one: _column(one, said) for one, said in written["columns"].items()}
    key = tuple(columns[one] for one in written.get("key", ()) if one in columns)
    if "files" not in written:
        return Table(name, columns, key, tuple(written.get("table", name).split(".")))
    folder, _, pattern = written["files"].rpartition("/")
    kind = written.get("format") or FORMATS.get(PurePosixPath(pattern).suffix.lower(), "")
    delimiter = written.get("delimiter", "\t" if pattern.lower().endswith(".tsv") else ",")
    encoding = written.get("encoding", "utf-8")
    return Table(name, columns, key, (), folder or ".", pattern, kind, delimiter, encoding)


def _column(name: str, written: str | Mapping[str, Any]) -> Column:
    said = written if isinstance(written, str) else written["type"]
    source = name if isinstance(written, str) else written.get("source", name)
    return Column(name, said.removesuffix("?"), said.endswith("?"), source)


def table_troubles(connection: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield what is wrong with the tables of a *connection* beyond its schema."""
    duckdb = connection.get("duckdb") or {}
    for name, table in tables_of(connection).items():
        pointer = f"/connection/tables/{name}"
        written = connection["tables"][name]
        if "files" in written:
            yield from _files(pointer, table, written, duckdb)
        elif "duckdb" in connection and "database" not in duckdb:
            yield Trouble(pointer, "needs `files`, or the connection a `database` that the table is in")
        elif len(table.path) > 2 or not all(table.path):
            yield Trouble(f"{pointer}/table", "must be TABLE or SCHEMA.TABLE")
        for index, one in enumerate(written.get("key", ())):
            column = table.columns.get(one)
            if column is None or column.optional or column.type not in STEADY:
                kinds = ", ".join(sorted(STEADY))
                yield Trouble(f"{pointer}/key/{index}", f"must be a declared column that is never null: {kinds}")


def _files(pointer: str, table: Table, written: Mapping[str, Any], duckdb: Mapping[str, Any]) -> Iterator[Trouble]:
    if "folder" not in duckdb:
        yield Trouble(f"{pointer}/files", "needs the `folder` of `duckdb` that they lie in")
    if "table" in written:
        yield Trouble(f"{pointer}/table", "is for a table of a database; this one is made of files")
    if reason := unfit_path(table.folder):
        yield Trouble(f"{pointer}/files", reason)
    if not table.pattern or set(table.pattern) & set("[]\\"):
        yield Trouble(f"{pointer}/files", "must end with a file's name, in which * and ? may stand")
    if not table.format:
        yield Trouble(f"{pointer}/format", f"cannot be told from the name; known endings: {', '.join(FORMATS)}")
    for key in ("delimiter", "encoding"):
        if key in written and table.format != "csv":
            yield Trouble(f"{pointer}/{key}", "is for csv")
