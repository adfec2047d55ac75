"""What a database offers: for each table and view a read of its rows, page by page, and one of a single row."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.folding import folded
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.sql.mssql import MSSQL_ADDRESSES
from interlock.integration.connectors.sql.mssql_tables import mssql_calls, mssql_tables
from interlock.integration.connectors.sql.mysql_tables import MYSQL, mysql_calls, mysql_tables
from interlock.integration.connectors.sql.postgres_tables import KINDS, postgres_catalogue
from interlock.integration.connectors.sql.routines import call_offers, pointed
from interlock.integration.connectors.sql.tables import MOST_TABLES, Column, Spelling, Table, gathered, left_out
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

SQLITE_FILE, POSTGRES = "sqlite:///", "postgresql://"
SQLITE_HEAD = b"SQLite format 3\x00"
TIMEOUT = 15.0
_SQLITE_SPELLING = Spelling("`")  # where no column has a name in double quotes, SQLite takes it for a text
_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
_SHADOWS = "SELECT name FROM pragma_table_list WHERE type = 'shadow'"
"""The tables in which a virtual one, such as an index of words, keeps its data."""
_KNOWS_SHADOWS = (3, 37)
_PAGE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
_SIGNS = re.compile(r"[^a-z0-9]+")
_AFFINITIES = (("INT", "integer"), ("CHAR", "string"), ("CLOB", "string"), ("TEXT", "string"), ("BOOL", "boolean"))
_NUMBERS = ("REAL", "FLOA", "DOUB", "DEC", "NUM")


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what the database at an address offers; only its own catalogue is read.

    Raises `SourceUnfit`, and `PackageMissing`.
    """
    if source.address.startswith(SQLITE_FILE) or source.content is not None:
        file = _file(source.address, ports.root)
        tables = await asyncio.to_thread(_sqlite, file)
        url = {"url": _url(file, ports.root)}
        return Survey(file.stem, url, tuple(_offers(tables)), notes=left_out(tables))
    try:
        parts = urlsplit(source.address)
    except ValueError as error:
        raise SourceUnfit("this is no address of a database", fix="write its scheme://USER@HOST/DATABASE") from error
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    connection: dict[str, Any] = {"url": urlunsplit((parts.scheme, f"{user}{host}", parts.path, parts.query, ""))}
    if parts.password:
        connection["password"] = SECRET
    if source.address.startswith(MYSQL):
        tables = await asyncio.to_thread(mysql_tables, source.address, timeout=TIMEOUT)
        calls, others = await asyncio.to_thread(mysql_calls, source.address, timeout=TIMEOUT)
    elif source.address.startswith(MSSQL_ADDRESSES):
        tables = await asyncio.to_thread(mssql_tables, source.address, timeout=TIMEOUT)
        calls, others = await asyncio.to_thread(mssql_calls, source.address, timeout=TIMEOUT)
    else:
        tables, routines = await postgres_catalogue(source.address)
        calls, others = call_offers(routines, KINDS)
    notes = left_out(tables)
    if others:
        notes += (f"no call could be written for {', '.join(others[:10])}, by their parameters",)
    return Survey(parts.path.strip("/"), connection, (*_offers(tables), *pointed(calls, tables)), notes=notes)


def _file(address: str, root: Path) -> Path:
    """Return the file that an address names: relative to the project, or, as a bare path, to where one stands."""
    if address.startswith(SQLITE_FILE):
        return root / address.removeprefix(SQLITE_FILE)
    here = Path.cwd() / address
    return here if here.exists() else root / address


def _url(file: Path, root: Path) -> str:
    return SQLITE_FILE + os.path.relpath(file.resolve(), root.resolve())


def _offers(tables: Sequence[Table]) -> list[Offer]:
    offers: list[Offer] = []
    taken: set[str] = set()
    for table in tables:
        if not table.columns:
            continue
        spoken = _SIGNS.sub("_", folded(table.name).lower()).strip("_")[:50]
        spoken, number = spoken if spoken[:1].isalpha() else f"t_{spoken}", 2
        while f"find_{spoken}" in taken:
            spoken, number = f"{spoken}_{number}", number + 1
        taken.add(f"find_{spoken}")
        offers.append(_find(table, spoken))
        if table.keys:
            offers.append(_get(table, spoken, table.keys))
    return offers


def _find(table: Table, spoken: str) -> Offer:
    keys, spelling = table.keys, table.spelling
    given: dict[str, Any] = {"limit": _PAGE}
    after = order = ""
    if len(keys) == 1 and keys[0].word:
        parameter = spelling.parameter("after", keys[0])
        after = f" WHERE {parameter} IS NULL OR {spelling.name(keys[0].name)} > {parameter}"
        order = f" ORDER BY {spelling.name(keys[0].name)}"
        given = {"after": f"{keys[0].word}?", **given}
    statement = spelling.limited(_select(table), f"{after}{order}")
    description = f"Rows of {table.name}, a page of them{', after the one with this key' if after else ''}."
    settings = {
        "input": given,
        "columns": _words(table),
        "rows": "many",
        "arguments": dict.fromkeys(given, "control"),
    }
    return Offer(statement, f"find_{spoken}", description, effect=Effect.read, settings=settings)


def _get(table: Table, spoken: str, keys: Sequence[Column]) -> Offer:
    names = {key.name: key.name if _speakable(key.name) else f"key_{number}" for number, key in enumerate(keys)}
    spelling = table.spelling
    tests = (f"{spelling.name(key.name)} = {spelling.parameter(names[key.name], key)}" for key in keys)
    statement = f"{_select(table)} WHERE {' AND '.join(tests)}"
    settings = {
        "input": {names[key.name]: key.word or "string" for key in keys},
        "columns": _words(table),
        "rows": "one",
        "arguments": dict.fromkeys(names.values(), "target"),
    }
    return Offer(statement, f"get_{spoken}", f"One row of {table.name}.", effect=Effect.read, settings=settings)


def _speakable(name: str) -> bool:
    """Return whether `:name` is a parameter to every reader of the statement: *name* is no word of the language."""
    from sqlglot.dialects import TSQL, MySQL, Postgres, SQLite

    kinds = ([token.token_type.name for token in one().tokenize(name)] for one in (MySQL, Postgres, SQLite, TSQL))
    return name.isidentifier() and all(kind == ["VAR"] for kind in kinds)


def _select(table: Table) -> str:
    columns = ", ".join(map(table.spelling.name, (column.name for column in table.columns)))
    return f"SELECT {columns} FROM {table.spelling.name(*table.path)}"  # noqa: S608 - a proposal, of quoted names


def _words(table: Table) -> dict[str, str]:
    return {column.name: f"{column.word}{'?' if column.nullable else ''}" for column in table.columns if column.word}


def _sqlite(file: Path) -> list[Table]:
    try:
        database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=TIMEOUT)
    except sqlite3.Error as error:
        raise SourceUnfit("the database file cannot be opened", why=str(error)) from error
    try:
        shadows = database.execute(_SHADOWS).fetchall() if sqlite3.sqlite_version_info >= _KNOWS_SHADOWS else []
        names = [one for one in database.execute(f"{_SQLITE_TABLES} ORDER BY name") if one not in shadows]
        found = ((name, column) for name in names[:MOST_TABLES] for column in _sqlite_columns(database, *name))
        return gathered(found, _SQLITE_SPELLING, lambda native: "BLOB" in native.upper())
    except sqlite3.Error as error:
        raise SourceUnfit("the file is no database that can be read", why=str(error)) from error
    finally:
        database.close()


def _sqlite_columns(database: sqlite3.Connection, table: str) -> list[Column]:
    columns = []
    for _, name, native, required, _, key in database.execute("SELECT * FROM pragma_table_info(?)", (table,)):
        kind = native.upper()
        word = next((word for sign, word in _AFFINITIES if sign in kind), "")
        word = word or ("number" if any(sign in kind for sign in _NUMBERS) else "string" if "DATE" in kind else "")
        columns.append(Column(name, word, native, nullable=not required and not key, key=bool(key)))
    return columns
