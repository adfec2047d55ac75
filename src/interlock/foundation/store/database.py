"""What a database is to Interlock: look-ups, long reads, and durable groups of changes.

No caller ever holds a transaction open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Row = tuple[Any, ...]
"""One row: `str`, `int`, `float`, `bytes` or None per column."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL in the subset that SQLite and PostgreSQL share, with `?` for each parameter."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Append:
    """Rows for a table to which rows are only ever added, and on which nothing else in a transaction depends.

    A database may therefore write them last, together with those of other units.
    """

    sql: str
    rows: Sequence[tuple[Any, ...]]


class Unit(Protocol):
    """Changes that happen together or not at all, inside a transaction that may hold other units as well."""

    @property
    def guards(self) -> Sequence[Statement]:
        """Changes that run first; each must touch exactly one row, else nothing of the unit happens."""
        ...

    def statements(self) -> Iterable[Statement | Append]:
        """Return the changes. Asked once per commit, in the order of the units, after the guards held.

        It may be called on another thread and must not block.
        """
        ...


@dataclass(frozen=True, slots=True)
class Writes:
    """A plain unit: *changes*, if all *guards* hold."""

    changes: Sequence[Statement | Append]
    guards: Sequence[Statement] = ()

    def statements(self) -> Iterable[Statement | Append]:
        return self.changes


class Database(Protocol):
    """One database. All methods may be called from one event loop only, the one that called `open`.

    All raise `StoreUnavailable` when it cannot be reached and `StoreDamaged` when it is broken; all that take
    SQL raise `StatementRefused` when the SQL is wrong.
    """

    dialect: str
    """`sqlite` or `postgres`."""
    file: Path | None
    """The file that holds it all, where it is one file."""

    async def open(self) -> None:
        """Connect, and make the database if it is a file that does not exist."""
        ...

    async def close(self) -> None:
        """Wait for commits that run, drop all claims and disconnect. Closing twice does nothing."""
        ...

    async def migrate(self, capability: str, steps: Sequence[str]) -> None:
        """Bring the tables of *capability* up to the last of *steps*, in order, each in its own transaction.

        A step is one or several statements. `{text}`, `{blob}` and `{bigint}` stand for the dialect's types
        (text that sorts by code point, bytes, 64-bit integer); `double precision` is the same in both. Raises
        `SchemaConflict` if an applied step is not the one in *steps*, or if more were applied than there are.
        """
        ...

    async def read(self, sql: str, *params: Any) -> list[Row]:
        """Return the rows of a short look-up. It sees everything that was committed before."""
        ...

    def scan(self, sql: str, *params: Any) -> AsyncIterator[list[Row]]:
        """Return the rows of a long read in chunks, without holding up the event loop."""
        ...

    async def commit(self, units: Sequence[Unit]) -> list[bool]:
        """Run *units* in one transaction, durable on return; say for each whether its guards held.

        A unit of which a guard does not hold is undone alone. A statement that the database refuses undoes
        the whole transaction (`StatementRefused`, `RowRefused`, with the unit's index where known).
        `StoreBusy` says that others were in the way and nothing was done. A commit is not stopped when its
        caller is cancelled. With no units, it makes sure that the database can be written.
        """
        ...

    async def claim(self, name: str) -> bool:
        """Take the lock *name*; False if another `Database` object holds it, here or in another process.

        It is given up by `release`, `close` or the end of the process. Claiming what one holds already is
        True.
        """
        ...

    async def release(self, name: str) -> None:
        """Give up the lock *name*, if held."""
        ...
