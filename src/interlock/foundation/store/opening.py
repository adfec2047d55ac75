"""From a storage URL to the database it names."""

from __future__ import annotations

from pathlib import Path

from interlock.foundation.store.database import Database
from interlock.foundation.store.errors import DatabaseUrlInvalid
from interlock.foundation.store.postgres import PostgresDatabase
from interlock.foundation.store.sqlite import SqliteDatabase

_FORMS = "sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user@host/name"


def open_database(url: str, *, base: Path | None = None, read_only: bool = False) -> Database:
    """Return the database that *url* names; it is not opened yet.

    A relative SQLite path is taken from *base*, or the current directory. A *read_only* database is never
    changed, not even by `migrate`. Raises `DatabaseUrlInvalid`, which does not repeat the URL.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest.startswith("/") and rest[1:].strip("/"):
        path = rest[1:]
        if path != ":memory:" and "?" not in path:
            return SqliteDatabase((base or Path.cwd()) / path, read_only=read_only)
    elif separator and scheme in ("postgresql", "postgres") and rest:
        return PostgresDatabase(url, read_only=read_only)
    raise DatabaseUrlInvalid("the storage URL names no database", fix=f"write {_FORMS}")
