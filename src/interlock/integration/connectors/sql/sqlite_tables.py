"""A SQLite file as a source: its tables and views, read from its own catalogue."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.sql.survey import TIMEOUT, offers
from interlock.integration.connectors.sql.tables import MOST_TABLES, Column, Spelling, Table, gathered, left_out
from interlock.integration.connectors.surveys import Source, Survey

SQLITE_FILE = "sqlite:///"
SQLITE_HEAD = b"SQLite format 3\x00"
_SPELLING = Spelling("`")  # where no column has a name in double quotes, SQLite takes it for a text
_TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
_SHADOWS = "SELECT name FROM pragma_table_list WHERE type = 'shadow'"
"""The tables in which a virtual one, such as an index of words, keeps its data."""
_KNOWS_SHADOWS = (3, 37)
_AFFINITIES = (("INT", "integer"), ("CHAR", "string"), ("CLOB", "string"), ("TEXT", "string"), ("BOOL", "boolean"))
_NUMBERS = ("REAL", "FLOA", "DOUB", "DEC", "NUM")


async def sqlite_survey(source: Source, root: Path) -> Survey:
    """Return reads of every table and view of the file. Raises `SourceUnfit`."""
    file = _file(source.address, root)
    tables = await asyncio.to_thread(_tables, file)
    url = {"url": _url(file, root)}
    return Survey(file.stem, url, tuple(offers(tables)), notes=left_out(tables))


def _file(address: str, root: Path) -> Path:
    """Return the file that an address names: relative to the project, or, as a bare path, to where one stands."""
    if address.startswith(SQLITE_FILE):
        return root / address.removeprefix(SQLITE_FILE)
    here = Path.cwd() / address
    return here if here.exists() else root / address


def _url(file: Path, root: Path) -> str:
    return SQLITE_FILE + os.path.relpath(file.resolve(), root.resolve())


def _tables(file: Path) -> list[Table]:
    try:
        database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=TIMEOUT)
    except sqlite3.Error as error:
        raise SourceUnfit("the database file cannot be opened", why=str(error)) from error
    try:
        shadows = database.execute(_SHADOWS).fetchall() if sqlite3.sqlite_version_info >= _KNOWS_SHADOWS else []
        names = [one for one in database.execute(f"{_TABLES} ORDER BY name") if one not in shadows]
        found = ((name, column) for name in names[:MOST_TABLES] for column in _columns(database, *name))
        return gathered(found, _SPELLING, lambda native: "BLOB" in native.upper())
    except sqlite3.Error as error:
        raise SourceUnfit("the file is no database that can be read", why=str(error)) from error
    finally:
        database.close()


def _columns(database: sqlite3.Connection, table: str) -> list[Column]:
    columns = []
    for _, name, native, required, _, key in database.execute("SELECT * FROM pragma_table_info(?)", (table,)):
        kind = native.upper()
        word = next((word for sign, word in _AFFINITIES if sign in kind), "")
        word = word or ("number" if any(sign in kind for sign in _NUMBERS) else "string" if "DATE" in kind else "")
        columns.append(Column(name, word, native, nullable=not required and not key, key=bool(key)))
    return columns
