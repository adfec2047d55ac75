"""Tables and views as a database's own catalogue shows them, and how a statement spells their names."""

from __future__ import annotations

from dataclasses import dataclass

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

    def parameter(self, name: str, column: Column) -> str:
        """Return the parameter *name* where it is compared with *column*."""
        return f"CAST(:{name} AS {column.native})" if self.casts else f":{name}"

    def limited(self, select: str, rest: str) -> str:
        """Return the statement of *select* and *rest* that gives `:limit` rows at most."""
        return f"{select}{rest} LIMIT :limit"


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. *path* is its name, after that of its schema where one is needed."""

    path: tuple[str, ...]
    columns: tuple[Column, ...]
    spelling: Spelling

    @property
    def name(self) -> str:
        """Its name for people."""
        return ".".join(self.path)

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns of its primary key."""
        return tuple(column for column in self.columns if column.key)
