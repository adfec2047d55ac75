"""What a database offers: for each table and view a read of its rows, page by page, and one of a single row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.folding import folded
from interlock.integration.connectors.sql.grammars import GRAMMARS
from interlock.integration.connectors.sql.routines import pointed
from interlock.integration.connectors.sql.tables import Catalogue, Column, Table, left_out
from interlock.integration.connectors.surveys import SECRET, Offer, Survey
from interlock.values.operations import Effect

TIMEOUT = 15.0
_PAGE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
_SIGNS = re.compile(r"[^a-z0-9]+")


def server(address: str) -> Survey:
    """Return what the *address* of a server alone tells, which is no offer yet. Raises `SourceUnfit`."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SourceUnfit("this is no address of a database", fix="write its scheme://USER@HOST/DATABASE") from error
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    connection: dict[str, Any] = {"url": urlunsplit((parts.scheme, f"{user}{host}", parts.path, parts.query, ""))}
    if parts.password:
        connection["password"] = SECRET
    return Survey(parts.path.strip("/"), connection, ())


def proposal(found: Survey, catalogue: Catalogue) -> Survey:
    """Return *found* with the offers and remarks that the *catalogue* gives."""
    notes = left_out(catalogue.tables)
    if catalogue.uncalled:
        notes += (f"no call could be written for {', '.join(catalogue.uncalled[:10])}, by their parameters",)
    return replace(found, offers=(*offers(catalogue.tables), *pointed(catalogue.calls, catalogue.tables)), notes=notes)


def offers(tables: Sequence[Table]) -> list[Offer]:
    """Return reads of *tables*: of their rows page by page, and of one row by its key."""
    made: list[Offer] = []
    taken: set[str] = set()
    for table in tables:
        if not table.columns:
            continue
        spoken = _SIGNS.sub("_", folded(table.name).lower()).strip("_")[:50]
        spoken, number = spoken if spoken[:1].isalpha() else f"t_{spoken}", 2
        while f"find_{spoken}" in taken:
            spoken, number = f"{spoken}_{number}", number + 1
        taken.add(f"find_{spoken}")
        made.append(_find(table, spoken))
        if table.keys:
            made.append(_get(table, spoken, table.keys))
    return made


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
    spelling = table.spelling
    spoken_keys = [spelling.spoken(key.name) for key in keys]
    names = {
        key.name: word if _speakable(word) else f"key_{number}"
        for number, (key, word) in enumerate(zip(keys, spoken_keys, strict=True))
    }
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
    from sqlglot.dialects import Dialect

    readers = (Dialect.get_or_raise(one.parser) for one in GRAMMARS)
    kinds = ([token.token_type.name for token in one.tokenize(name)] for one in readers)
    return name.isidentifier() and all(kind == ["VAR"] for kind in kinds)


def _select(table: Table) -> str:
    columns = ", ".join(map(table.spelling.name, (column.name for column in table.columns)))
    return f"SELECT {columns} FROM {table.spelling.name(*table.path)}"  # noqa: S608 - a proposal, of quoted names


def _words(table: Table) -> dict[str, str]:
    spoken = table.spelling.spoken
    return {
        spoken(column.name): f"{column.word}{'?' if column.nullable else ''}" for column in table.columns if column.word
    }
