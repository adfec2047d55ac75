"""DuckDB in our own process, made anew for each read, and locked before the statement is looked at."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.files.errors import (
    ColumnsChanged,
    FileBroken,
    FileMissing,
    FilesTrouble,
    PlaceAway,
    PlaceBusy,
    TimeOver,
)
from interlock.integration.connectors.interface import SUCCEEDED, Answer
from interlock.integration.connectors.sql.parameters import dollared
from interlock.integration.connectors.warehouse.engine import ThreadedEngine
from interlock.integration.connectors.warehouse.errors import StatementRefused, TooCostly, ValueUnfit
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.queries import Query
from interlock.integration.connectors.warehouse.tables import Table
from interlock.integration.connectors.warehouse.threads import Job
from interlock.integration.connectors.warehouse.views import (
    ATTACHED,
    Found,
    as_of,
    attached,
    described,
    find,
    literal,
    scan,
    unchanged,
    view,
)

if TYPE_CHECKING:
    import duckdb

BATCH = 500
_FIXED = {
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_CAST = re.compile(r"casting from source column (\w+)")


class DuckEngine(ThreadedEngine):
    """Reads files of rows below *folder*, and tables of the DuckDB file *database*."""

    def __init__(
        self, settings: Mapping[str, Any], tables: Mapping[str, Table], *, root: Path, concurrency: int, zone: str
    ) -> None:
        super().__init__(concurrency, "duckdb")
        self._folder = (root / settings["folder"]).resolve() if "folder" in settings else None
        self._database = (root / settings["database"]).resolve() if "database" in settings else None
        self._tables = tables
        self._zone = zone
        self._scan = size(settings["scan"]) if "scan" in settings else None
        self._limits = {
            "memory_limit": settings.get("memory", "512MiB"),
            "max_temp_directory_size": settings.get("spill", "1GiB"),
            "threads": str(settings.get("threads", 2)),
        }

    def _look(self, job: Job) -> Answer:
        """Make the view of every table, so that files and columns are looked at."""
        with self._engine(self._tables, job):
            return Answer(SUCCEEDED)

    def _read(self, query: Query, page: Page, job: Job) -> Answer:
        import duckdb

        tables = {name: self._tables[name] for name in query.tables}
        with self._engine(tables, job) as (connection, found):
            job.errand.left()
            try:
                statement = _single(duckdb.extract_statements(dollared(query.statement)), duckdb.StatementType.SELECT)
                names = statement.named_parameters
                result = connection.execute(statement, {name: query.values[name] for name in names} or None)
                _fill(result, page, job)
            except duckdb.Error as error:
                if self._folder is not None:
                    unchanged(self._folder, found, job.errand)
                raise _meaning(error, tables) from None
            if self._folder is not None:
                unchanged(self._folder, found, job.errand)
        times = [one.newest for one in found]
        if self._database is not None and any(not table.pattern for table in tables.values()):
            times.append(_written(self._database))
        return Answer(SUCCEEDED, as_of(times))

    @contextmanager
    def _engine(self, tables: Mapping[str, Table], job: Job) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Found]]]:
        """Give a locked engine that holds views of *tables*, and nothing else that could be read."""
        import duckdb

        found = find(self._folder, tables, job.errand) if self._folder is not None else []
        if self._scan is not None and sum(one.size for one in found) > self._scan:
            raise TooCostly(f"its files are larger than the {self._scan} bytes that may be read", limit=self._scan)
        job.errand.reached = True
        with tempfile.TemporaryDirectory(prefix="interlock-duckdb-") as scratch:
            config = {**_FIXED, **self._limits, "temp_directory": scratch}
            try:
                with (
                    duckdb.connect(":memory:", config=config) as connection,
                    job.interruptible(connection.interrupt),
                ):
                    connection.execute(f"SET TimeZone = {literal(self._zone)}")
                    self._attach(connection, tables, duckdb)
                    _declare(connection, tables, found, duckdb)
                    _lock(connection, found)
                    yield connection, found
            except duckdb.Error as error:
                raise _meaning(error, tables) from None

    def _attach(self, connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], duckdb: Any) -> None:
        if self._database is None or all(table.pattern for table in tables.values()):
            return
        if not self._database.is_file():
            raise PlaceAway("the database file is not there")
        try:
            connection.execute(f"ATTACH {literal(str(self._database))} AS {ATTACHED} (READ_ONLY)")
        except duckdb.InterruptException:
            raise TimeOver("the time limit passed") from None
        except duckdb.IOException as error:
            if "lock on file" in str(error):  # "block" is a word of broken files
                raise PlaceBusy("the database file is being written by another process") from None
            raise FileBroken("is no DuckDB database that can be read") from None
        except duckdb.Error:
            raise FileBroken("is no DuckDB database that can be read") from None


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return datetime.now(UTC).timestamp()


def _lock(connection: duckdb.DuckDBPyConnection, found: list[Found]) -> None:
    """Let *connection* reach the files that were *found*, and nothing else from now on."""
    paths = ", ".join(literal(path) for one in found for path in one.paths)
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _declare(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], found: list[Found], duckdb: Any
) -> None:
    """Make a view of each table. Raises `ColumnsChanged` and `FileBroken`, which name the table."""
    paths = {one.table.name: one.paths for one in found}
    for name, table in tables.items():
        source = scan(table, paths[name]) if table.pattern else attached(table)
        try:
            types = described(connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())  # noqa: S608 - of declared names, quoted
            if table.format == "jsonl":
                source = scan(table, paths[name], sorted(types))
            texts, lines = table.format in {"csv", "jsonl"}, table.format == "jsonl"
            connection.execute(view(table, source, types, texts=texts, lines=lines))
        except duckdb.InterruptException:
            raise TimeOver("the time limit passed") from None
        except duckdb.CatalogException:
            raise ColumnsChanged(f"the database has no table {'.'.join(table.path)} any more") from None
        except duckdb.Error as error:
            raise _broken(error, f"of the table {name}", table) from None


def _broken(error: Exception, where: str, table: Table | None = None) -> FilesTrouble:
    text = str(error)
    if "No files found" in text:
        return FileMissing(f"a file {where} is gone")
    if "not utf-8" in text or "unicode" in text.lower():
        encoding = f"; it is declared {table.encoding}" if table is not None else ""
        return FileBroken(f"{where} holds what is no text of its encoding{encoding}")
    return FileBroken(f"{where} is damaged, or not of the declared format")


def _single(statements: list[Any], kind: Any) -> Any:
    if len(statements) != 1 or statements[0].type != kind:
        raise StatementRefused("it is not one statement that only reads")
    return statements[0]


def _fill(result: Any, page: Page, job: Job) -> None:
    names = [column[0] for column in result.description]
    if any(str(column[1]) == "INTERVAL" for column in result.description):
        raise StatementRefused("its result holds durations, whose months would be lost; cast them to texts")
    parsed = [place for place, column in enumerate(result.description) if str(column[1]) == "JSON"]
    while batch := result.fetchmany(BATCH):
        job.errand.left()
        rows = [_parsed(row, parsed) for row in batch] if parsed else batch
        if not page.add(names, rows):
            return


def _parsed(row: tuple[Any, ...], places: list[int]) -> list[Any]:
    cells = list(row)
    for place in places:
        if isinstance(cells[place], str):
            cells[place] = orjson.loads(cells[place])
    return cells


def _meaning(error: Any, tables: Mapping[str, Table]) -> FilesTrouble:
    """Return what DuckDB's *error* means. Its text may repeat values, so only declared names are kept of it."""
    import duckdb

    text = str(error)
    if isinstance(error, duckdb.InterruptException):
        return TimeOver("the time limit passed; the statement was stopped")
    if isinstance(error, duckdb.OutOfMemoryException):
        return TooCostly("it needs more memory or disk than it may have")
    if isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException)):
        match = _CAST.search(text)
        known = {column.source for table in tables.values() for column in table.columns.values()}
        where = f" of the column {match[1]}" if match and match[1] in known else ""
        more = {"column": match[1]} if match and where else {}
        return ValueUnfit(f"a value{where} is not of its declared type", **more)
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return StatementRefused("the engine does not take the statement", kind=type(error).__name__)
    if isinstance(error, duckdb.PermissionException):
        return StatementRefused("the statement reaches for what is locked")
    if "no space left" in text.lower():
        return TooCostly("there is no space left on the disk")
    return _broken(error, "that it reads")
