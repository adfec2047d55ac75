"""Named parameters (`:name`) rewritten to a driver's own, and nothing else of the statement touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

_CALL = "CALL"


def numbered(text: str, *, dialect: str = "postgres", sign: str = "$") -> tuple[str, tuple[str, ...]]:
    """Return *text* with `$1`, `$2`, ... (or another *sign*) for its `:name` parameters, and their names in that order.

    Only signs that the SQL tokenizer sees as parameters are replaced: never within a text, a comment or a cast.
    """
    names: list[str] = []

    def number(name: str) -> str:
        if name not in names:
            names.append(name)
        return f"{sign}{names.index(name) + 1}"

    return _spelt(text, dialect, number), tuple(names)


def dollared(text: str) -> str:
    """Return *text*, written for DuckDB, with `$name` for its `:name` parameters."""
    return _spelt(text, "duckdb", lambda name: f"${name}")


def _spelt(text: str, dialect: str, spell: Callable[[str], str]) -> str:
    from sqlglot.dialects import Dialect

    pieces: list[str] = []
    done = 0
    for start, end, name in _placeholders(Dialect.get_or_raise(dialect).tokenize(_readable(text))):
        pieces += [text[done:start], spell(name)]
        done = end
    return "".join([*pieces, text[done:]])


def formatted(text: str, dialect: str = "mysql") -> str:
    """Return *text* with `%(name)s` for its `:name` parameters and every other `%` doubled."""
    from sqlglot.dialects import Dialect

    pieces: list[str] = []
    done = 0
    for start, end, name in _placeholders(Dialect.get_or_raise(dialect).tokenize(_readable(text))):
        pieces += [text[done:start].replace("%", "%%"), f"%({name})s"]
        done = end
    return "".join([*pieces, text[done:].replace("%", "%%")])


def _readable(text: str) -> str:
    """Return *text* without the word CALL before it, after which the tokenizer would see nothing more."""
    return " " * len(_CALL) + text[len(_CALL) :] if text[: len(_CALL)].upper() == _CALL else text


def _placeholders(tokens: list[Any]) -> Iterator[tuple[int, int, str]]:
    """Yield where each parameter begins and ends, and its name."""
    for colon, name in pairwise(tokens):
        if colon.token_type.name == "COLON" and name.start == colon.end + 1 and name.text.isidentifier():
            yield colon.start, name.end + 1, name.text
