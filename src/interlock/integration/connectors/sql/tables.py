"""Tables and views as a database's own catalogue shows them, and how a statement spells their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from interlock.integration.connectors.surveys import Offer

REACH = "see that the database runs at this address and lets this user in; the password may stand in the address"
"""What to do where a catalogue cannot be read; a password goes to the environment, not to the project."""
MOST_TABLES = 1000
"""How many tables are looked at."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: *word* is its type as `columns:` writes it (empty: none can be promised), *native* the database's."""

    name: str
    word: str
    native: str
    nullable: bool
    key: bool


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one kind of database writes names and parameters.

    Every name is put between two of *quote*, since a column may be called `order` or `user`. *casts* says that a
    parameter needs its type beside it.
    """

    quote: str
    casts: bool = False

    def name(self, *parts: str) -> str:
        """Return a name of one or more *parts*."""
        return ".".join(f"{self.quote}{part.replace(self.quote, 2 * self.quote)}{self.quote}" for part in parts)

    def spoken(self, name: str) -> str:
        """Return what a column of that *name* is called in a result."""
        return name

    def parameter(self, name: str, column: Column) -> str:
        """Return the parameter *name* where it is compared with *column*."""
        return f"CAST(:{name} AS {column.native})" if self.casts else f":{name}"

    def limited(self, select: str, rest: str) -> str:
        """Return the statement of *select* and *rest* that gives `:limit` rows at most."""
        return f"{select}{rest} LIMIT :limit"


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. *path* is its name, after that of its schema where one is needed; *left_out* are the names of
    columns that no proposal reads.
    """

    path: tuple[str, ...]
    columns: tuple[Column, ...]
    spelling: Spelling
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name for people."""
        return ".".join(self.path)

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns of its primary key."""
        return tuple(column for column in self.columns if column.key)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a database offers: its tables and views, calls of its procedures, and the names of those that no call can be
    written for.
    """

    tables: list[Table]
    calls: list[Offer]
    uncalled: list[str]


def gathered(
    found: Iterable[tuple[tuple[str, ...], Column]], spelling: Spelling, unread: Callable[[str], bool]
) -> list[Table]:
    """Return the tables that the columns *found* make up, by the path of their table; those whose native type is
    *unread* (bytes, shapes: what is no JSON) are left out.
    """
    read: dict[tuple[str, ...], list[Column]] = {}
    others: dict[tuple[str, ...], list[str]] = {}
    for path, column in found:
        read.setdefault(path, [])
        if unread(column.native):
            others.setdefault(path, []).append(column.name)
        else:
            read[path].append(column)
    first = list(read.items())[:MOST_TABLES]
    return [Table(path, tuple(columns), spelling, tuple(others.get(path, ()))) for path, columns in first]


def left_out(tables: Iterable[Table]) -> tuple[str, ...]:
    """Return a remark on what no proposal reads, where there is anything."""
    names = [f"{table.name}.{column}" for table in tables for column in table.left_out]
    if not names:
        return ()
    more = f" and {len(names) - 10} others" if len(names) > 10 else ""
    shown = ", ".join(names[:10])
    return (f"no proposal reads {shown}{more}: bytes and shapes; a statement of your own that names one gives base64",)
