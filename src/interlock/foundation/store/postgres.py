"""PostgreSQL through asyncpg: one connection that commits and holds the claims, a small pool that reads."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from interlock.foundation.clock import rfc3339
from interlock.foundation.store.database import Append, Row, Statement, Unit
from interlock.foundation.store.errors import (
    ClaimLost,
    DriverMissing,
    RowRefused,
    SchemaConflict,
    StatementRefused,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)
from interlock.foundation.store.sql import APPLIED, APPLY, MIGRATIONS, numbered, pending, typed

T = TypeVar("T")

_TYPES = {"blob": "BYTEA", "bigint": "BIGINT", "text": 'TEXT COLLATE "C"'}
_CHUNK = 500
_READERS = 4
_CONNECT_SECONDS = 10.0
_COMMAND_SECONDS = 60.0


class PostgresDatabase:
    """A `Database` on a server.

    Claims are session locks on the connection that commits. When that connection is lost, the next commit
    connects again and takes the claims back first, which waits for the server to have finished with the lost
    one: what it was committing is settled by then, and a process that lost a claim to another writes no more.
    """

    dialect = "postgres"

    def __init__(self, url: str, *, read_only: bool = False, lock_seconds: float = 5.0) -> None:
        self.file: Path | None = None
        self._url = url
        self._read_only = read_only
        self._lock_seconds = lock_seconds
        self._claims: set[str] = set()
        self._turn = asyncio.Lock()
        self._pool: Any = None
        self._connection: Any = None
        self._open = False

    async def open(self) -> None:
        with _errors():
            self._pool = await _driver().create_pool(
                self._url,
                min_size=1,
                max_size=_READERS,
                reset=_leave_as_is,
                **self._options("on"),
            )
        self._open = True
        if not self._read_only:
            async with self._turn:
                await self._connected()

    async def close(self) -> None:
        async with self._turn:
            self._open = False
            self._claims.clear()
            connection, self._connection = self._connection, None
            pool, self._pool = self._pool, None
            with _errors():
                if connection is not None:
                    await connection.close()
                if pool is not None:
                    await pool.close()

    async def migrate(self, capability: str, steps: Sequence[str]) -> None:
        if self._read_only:
            known = await self.read("SELECT 1 WHERE to_regclass('store_migrations') IS NOT NULL")
            applied = [(row[0], row[1]) for row in await self.read(APPLIED, capability)] if known else []
            if pending(capability, steps, applied):
                raise SchemaConflict(
                    f"the tables of {capability} are older than this program",
                    why="the database is open for reading only",
                    fix="start the server once, which brings them up to date",
                )
            return
        await self._uninterrupted(lambda connection: _migrate(connection, capability, steps))

    async def read(self, sql: str, *params: Any) -> list[Row]:
        with _errors():
            return [tuple(row) for row in await self._readers().fetch(numbered(sql), *params)]

    async def scan(self, sql: str, *params: Any) -> AsyncIterator[list[Row]]:
        with _errors():
            async with self._readers().acquire() as connection, connection.transaction(readonly=True):
                cursor = await connection.cursor(numbered(sql), *params)
                while rows := await cursor.fetch(_CHUNK):
                    yield [tuple(row) for row in rows]

    async def commit(self, units: Sequence[Unit]) -> list[bool]:
        return await self._uninterrupted(lambda connection: _run(connection, units))

    async def claim(self, name: str) -> bool:
        async with self._turn:
            if name in self._claims:
                return True
            with self._broken_after_errors():
                connection = await self._connected()
                taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _key(name))
            if taken:
                self._claims.add(name)
            return taken

    async def release(self, name: str) -> None:
        async with self._turn:
            if name in self._claims:
                self._claims.discard(name)
                with self._broken_after_errors():
                    connection = await self._connected()
                    await connection.execute("SELECT pg_advisory_unlock($1)", _key(name))

    # --- connections ----------------------------------------------------------------------------------------

    def _options(self, read_only: str) -> dict[str, Any]:
        settings = {
            "application_name": "interlock",
            "default_transaction_read_only": read_only,
            "lock_timeout": str(int(self._lock_seconds * 1000)),
            "synchronous_commit": "on",
        }
        return {"timeout": _CONNECT_SECONDS, "command_timeout": _COMMAND_SECONDS, "server_settings": settings}

    def _readers(self) -> Any:
        if self._pool is None:
            raise StoreUnavailable("the database is not open")
        return self._pool

    async def _connected(self) -> Any:
        """Return the connection that commits, with all claims on it; to be called in turn."""
        if not self._open or self._read_only:
            raise StoreUnavailable("the database is not open" if not self._open else "the database is read-only")
        if self._connection is None or self._connection.is_closed():
            with _errors():
                connection = await _driver().connect(self._url, **self._options("off"))
            try:
                for name in sorted(self._claims):
                    await _take_back(connection, name)
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._connection

    async def _uninterrupted(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """Run *work* in turn on the connection that commits, to its end even if the caller is cancelled."""

        async def run() -> T:
            async with self._turn:
                with self._broken_after_errors():
                    return await work(await self._connected())

        return await asyncio.shield(asyncio.create_task(run()))

    @contextmanager
    def _broken_after_errors(self) -> Iterator[None]:
        """Drop the connection after an error that leaves open what became of it."""
        try:
            with _errors():
                yield
        except (StatementRefused, StoreBusy):
            raise
        except StoreUnavailable:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.terminate()
            raise


async def _run(connection: Any, units: Sequence[Unit]) -> list[bool]:
    """Run *units* in a transaction; rows that may wait are written together at the end."""
    held, last = [], dict[str, list[tuple[Any, ...]]]()
    async with connection.transaction():
        for index, unit in enumerate(units):
            with _errors(index):
                holds = await _guards_hold(connection, unit.guards, index)
                held.append(holds)
                for statement in unit.statements() if holds else ():
                    if type(statement) is Append:
                        last.setdefault(statement.sql, []).extend(statement.rows)
                    elif isinstance(statement, Statement):
                        await connection.execute(numbered(statement.sql), *statement.params)
        with _errors():
            for sql, rows in last.items():
                await connection.executemany(numbered(sql), rows)
    return held


async def _guards_hold(connection: Any, guards: Sequence[Statement], index: int) -> bool:
    """Run *guards*; undo them and return False where one touches no row. One alone has nothing to undo."""
    if len(guards) < 2:
        touched = [await _touched(connection, guard) for guard in guards]
        if touched and touched[0] > 1:
            raise StatementRefused(f"a guard touched {touched[0]} rows, not one", index=index)
        return touched != [0]
    savepoint = connection.transaction()
    await savepoint.start()
    for guard in guards:
        if await _touched(connection, guard) != 1:
            await savepoint.rollback()
            return False
    await savepoint.commit()
    return True


async def _touched(connection: Any, guard: Statement) -> int:
    status: str = await connection.execute(numbered(guard.sql), *guard.params)
    return int(status.rpartition(" ")[2])


async def _migrate(connection: Any, capability: str, steps: Sequence[str]) -> None:
    async with _migrating(connection):
        await connection.execute(MIGRATIONS)
    for number in range(1, len(steps) + 1):
        async with _migrating(connection):
            applied = [(row[0], row[1]) for row in await connection.fetch(numbered(APPLIED), capability)]
            todo = pending(capability, steps, applied)
            if todo and todo[0][0] == number:
                _, step, digest = todo[0]
                await connection.execute(typed(step, _TYPES))
                await connection.execute(numbered(APPLY), capability, number, digest, rfc3339(time.time()))


@asynccontextmanager
async def _migrating(connection: Any) -> AsyncIterator[None]:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{int(_COMMAND_SECONDS)}s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _key("migrations"))
        yield


async def _take_back(connection: Any, name: str) -> None:
    """Take a claim of the lost connection again, waiting for the server to notice that it is lost."""
    try:
        with _errors():
            await connection.execute("SELECT pg_advisory_lock($1)", _key(name))
    except StoreBusy as error:
        raise ClaimLost(
            "the connection was lost, and a claim of this process is held by another session",
            why="another process took over, or the server has not noticed yet that the connection is gone",
            fix="restart this process if it stays so",
        ) from error


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"interlock:{name}".encode()).digest()[:8], "big", signed=True)


async def _leave_as_is(_: Any) -> None:
    """Put a reading connection back as it is; it has no state to reset."""


def _driver() -> ModuleType:
    try:
        import asyncpg
    except ImportError as error:
        raise DriverMissing(
            "PostgreSQL needs the asyncpg package",
            fix="install interlock-control[postgres]",
        ) from error
    driver: ModuleType = asyncpg
    return driver


@contextmanager
def _errors(index: int | None = None) -> Iterator[None]:
    driver = _driver()
    try:
        yield
    except (driver.PostgresError, driver.InterfaceError) as error:
        raise _translated(driver, error, index) from None  # the driver's texts repeat values
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise StoreUnavailable("the database server cannot be reached", why=type(error).__name__) from error


def _translated(driver: ModuleType, error: Any, index: int | None) -> StoreError:
    state: str = getattr(error, "sqlstate", None) or ""
    name = type(error).__name__
    if state.startswith("40") or state == "55P03":
        return StoreBusy("other transactions were in the way", why=name, fix="try again in a moment")
    if state.startswith("23"):
        place = error.constraint_name or f"{error.table_name}.{error.column_name}"
        return RowRefused("a row breaks a constraint", why=f"{name}: {place}", index=index)
    if isinstance(error, driver.InterfaceError) and "the server expects" in str(error):
        return StatementRefused("a statement has too few or too many parameters", index=index)
    if not state or state[:2] in _UNUSABLE or state in _ENDED:
        return StoreUnavailable("the database server cannot be used", why=name, fix="check server and network")
    return StatementRefused("the database refused a statement", why=f"{name} {state}".strip(), index=index)


_ENDED = frozenset({"25P03", "25P04"})
"""SQLSTATEs of a transaction that the server ended."""

_UNUSABLE = frozenset({"08", "28", "3D", "53", "57", "58", "F0", "XX"})
"""SQLSTATE classes of a server or connection that cannot be used (appendix A of PostgreSQL's manual)."""
