"""SQLite: one file in WAL mode; commits and long look-ups on threads of their own, short ones on the caller's."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from interlock.foundation.clock import rfc3339
from interlock.foundation.store.claims import FileClaims
from interlock.foundation.store.database import Append, Row, Statement, Unit
from interlock.foundation.store.errors import (
    RowRefused,
    SchemaConflict,
    StatementRefused,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from interlock.foundation.store.sql import APPLIED, APPLY, MIGRATIONS, pending, split, typed

T = TypeVar("T")

_TYPES = {"blob": "BLOB", "bigint": "INTEGER", "text": "TEXT"}
_CHUNK = 500
_REPAIR = "verify the journal, then restore a backup"
_BUSY_SECONDS = 10.0
_STEPS, _LONG_READ = 10_000, 20
"""Every so many steps of SQLite's machine a look-up is counted; one of so many counts goes to a thread."""
_REFUSED_BY_PYTHON = (OverflowError, UnicodeError)  # an integer beyond 64 bits, a text that is no Unicode
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
)


class SqliteDatabase:
    """A `Database` in one file, with its write-ahead log and a folder of claims beside it while in use."""

    dialect = "sqlite"

    def __init__(self, path: Path, *, read_only: bool = False, busy_seconds: float = _BUSY_SECONDS) -> None:
        self.file: Path | None = path
        self._path = path
        self._read_only = read_only
        self._busy_seconds = busy_seconds
        self._claims = FileClaims(path.with_name(path.name + "-claims"))
        self._reader: sqlite3.Connection | None = None
        self._counted = 0
        self.moved = 0
        """How many look-ups were too long for the calling thread, and were done on another."""
        self._writer: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._scanners: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        if not self._read_only:
            with _errors():
                self._create()
                self._writer = self._connect()
            await self._use_log(self._writer)
        with _errors():
            self._reader = self._connect(reading=True)
            self._reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            self._reader.set_progress_handler(self._is_long, _STEPS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="interlock-store")
        self._scanners = ThreadPoolExecutor(2, thread_name_prefix="interlock-scan")

    async def close(self) -> None:
        if self._thread is not None and self._scanners is not None:
            await asyncio.to_thread(self._thread.shutdown)
            await asyncio.to_thread(self._scanners.shutdown)
        self._thread = self._scanners = None
        for connection in (self._reader, self._writer):  # the writer last: it folds the log into the file
            if connection is not None:
                connection.close()
        self._reader = self._writer = None
        self._claims.release_all()

    async def migrate(self, capability: str, steps: Sequence[str]) -> None:
        if self._read_only:
            with _errors():
                applied = self._applied(self._opened(), capability)
            if pending(capability, steps, applied):
                raise SchemaConflict(
                    f"the tables of {capability} are older than this program",
                    why="the database is open for reading only",
                    fix="start the server once, which brings them up to date",
                )
            return
        await self._on_thread(self._migrate, capability, steps)

    async def read(self, sql: str, *params: Any) -> list[Row]:
        self._counted = 0
        try:
            return self._opened().execute(sql, params).fetchall()
        except (sqlite3.Error, *_REFUSED_BY_PYTHON) as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
                raise _translated(error, None) from error
        self.moved += 1
        return [row async for rows in self.scan(sql, *params) for row in rows]

    def _is_long(self) -> bool:
        """Say that a look-up is to be broken off, since everybody else waits for it."""
        self._counted += 1
        return self._counted > _LONG_READ

    async def scan(self, sql: str, *params: Any) -> AsyncIterator[list[Row]]:
        self._opened()
        assert self._scanners is not None
        loop = asyncio.get_running_loop()
        connection, cursor = await loop.run_in_executor(self._scanners, self._begin_scan, sql, params)
        try:
            while rows := await loop.run_in_executor(self._scanners, _next_rows, cursor):
                yield rows
        finally:
            cursor.close()
            connection.close()

    async def commit(self, units: Sequence[Unit]) -> list[bool]:
        return await asyncio.shield(self._on_thread(self._transact, units))

    async def claim(self, name: str) -> bool:
        return self._claims.claim(name)

    async def release(self, name: str) -> None:
        self._claims.release(name)

    # --- on the writer's thread -----------------------------------------------------------------------------

    def _transact(self, units: Sequence[Unit]) -> list[bool]:
        with _errors():
            connection = self._opened(writing=True)
            with _transaction(connection):
                return _run(connection, units)

    def _migrate(self, capability: str, steps: Sequence[str]) -> None:
        with _errors():
            connection = self._opened(writing=True)
            with _transaction(connection):
                connection.execute(MIGRATIONS)
            for number, step, digest in pending(capability, steps, self._applied(connection, capability)):
                with _transaction(connection):
                    if len(self._applied(connection, capability)) >= number:
                        continue  # another process was faster
                    for statement in split(typed(step, _TYPES)):
                        connection.execute(statement)
                    connection.execute(APPLY, (capability, number, digest, rfc3339(time.time())))

    # --- connections ----------------------------------------------------------------------------------------

    def _create(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A file that exists is not touched: closing it would drop the locks of other connections in this process.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
            os.fsync(folder)
            os.close(folder)

    async def _use_log(self, connection: sqlite3.Connection) -> None:
        """Switch to a write-ahead log; SQLite itself does not wait for another process that does the same."""
        patience = time.monotonic() + self._busy_seconds
        mode = None
        while mode is None:
            try:
                with _errors():
                    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except StoreBusy:
                if time.monotonic() > patience:
                    raise
                await asyncio.sleep(0.01)
        if mode != ("wal",):
            raise StoreUnavailable(
                "the database cannot use a write-ahead log",
                why="its file system has no shared memory",
                fix="keep it on a local disk",
            )

    def _connect(self, *, reading: bool = False) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rw"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if reading:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _begin_scan(self, sql: str, params: tuple[Any, ...]) -> tuple[sqlite3.Connection, sqlite3.Cursor]:
        with _errors():
            connection = self._connect(reading=True)
            connection.text_factory = _readable
            try:
                return connection, connection.execute(sql, params)
            except BaseException:
                connection.close()
                raise

    def _opened(self, *, writing: bool = False) -> sqlite3.Connection:
        connection = self._writer if writing else self._reader
        if connection is None:
            raise StoreUnavailable("the database is not open" if not self._read_only else "the database is read-only")
        return connection

    @staticmethod
    def _applied(connection: sqlite3.Connection, capability: str) -> list[tuple[int, str]]:
        known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'store_migrations'").fetchone()
        return connection.execute(APPLIED, (capability,)).fetchall() if known else []

    async def _on_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._thread is None:
            raise StoreUnavailable("the database is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _run(connection: sqlite3.Connection, units: Sequence[Unit]) -> list[bool]:
    """Run *units* inside a transaction; rows that may wait are written together at the end."""
    held, last = [], dict[str, list[tuple[Any, ...]]]()
    for index, unit in enumerate(units):
        try:
            holds = _guards_hold(connection, unit.guards, index)
            held.append(holds)
            for statement in unit.statements() if holds else ():
                if type(statement) is Append:
                    last.setdefault(statement.sql, []).extend(statement.rows)
                elif isinstance(statement, Statement):
                    connection.execute(statement.sql, statement.params)
        except (sqlite3.Error, *_REFUSED_BY_PYTHON) as error:
            raise _translated(error, index) from error
    for sql, rows in last.items():
        connection.executemany(sql, rows)
    return held


def _guards_hold(connection: sqlite3.Connection, guards: Sequence[Statement], index: int) -> bool:
    """Run *guards*; undo them and return False where one touches no row. One alone has nothing to undo."""
    several = len(guards) > 1
    if several:
        connection.execute("SAVEPOINT guards")
    holds = True
    for guard in guards:
        touched = connection.execute(guard.sql, guard.params).rowcount
        if touched > 1 and not several:
            raise StatementRefused(f"a guard touched {touched} rows, not one", index=index)
        holds = touched == 1
        if not holds:
            break
    if several:
        if not holds:
            connection.execute("ROLLBACK TO guards")
        connection.execute("RELEASE guards")
    return holds


def _next_rows(cursor: sqlite3.Cursor) -> list[Row]:
    with _errors():
        return cursor.fetchmany(_CHUNK)


def _readable(text: bytes) -> str:
    """Decode a text that may have been damaged, so that a check can still read past it."""
    return text.decode(errors="surrogateescape")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, *_REFUSED_BY_PYTHON) as error:
        raise _translated(error, None) from error
    except OSError as error:
        raise StoreUnavailable("the database file cannot be used", why=error.strerror or "") from error


def _translated(error: Exception, index: int | None) -> StoreError:
    """Return *error* as one of ours; SQLite's own messages name tables and columns, never values."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy("another process is writing the database", fix="try again in a moment")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged("the database file is damaged", why=str(error), fix=_REPAIR)
    if "decode to UTF-8" in str(error):  # the message repeats the text
        return StoreDamaged("the database file is damaged", why="a text in it is not UTF-8", fix=_REPAIR)
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return RowRefused("a row breaks a constraint", why=str(error), index=index)
    if primary in _UNUSABLE:
        return StoreUnavailable("the database file cannot be used", why=str(error), fix="check disk and permissions")
    if isinstance(error, _REFUSED_BY_PYTHON):
        return StatementRefused("a value does not fit its column", why=type(error).__name__, index=index)
    return StatementRefused("the database refused a statement", why=str(error), index=index)


_UNUSABLE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_AUTH,
    }
)
