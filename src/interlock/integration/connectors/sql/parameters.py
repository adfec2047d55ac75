"""Named parameters (`:name`) rewritten to a driver's own, and nothing else of the statement touched."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

_CALL = "CALL"


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return *text* with `$1`, `$2`, ... for its `:name` parameters, and their names in that order.

    Only signs that the SQL tokenizer sees as parameters are replaced: never within a text, a comment or a cast.
    """
    from sqlglot.dialects import Postgres

    names: list[str] = []
    pieces: list[str] = []
    done = 0
    for start, end, name in _placeholders(Postgres().tokenize(_readable(text))):
        if name not in names:
            names.append(name)
        pieces += [text[done:start], f"${names.index(name) + 1}"]
        done = end
    return "".join([*pieces, text[done:]]), tuple(names)


def formatted(text: str) -> str:
    """Return *text*, written for MySQL, with `%(name)s` for its `:name` parameters and every other `%` doubled."""
    from sqlglot.dialects import MySQL

    pieces: list[str] = []
    done = 0
    for start, end, name in _placeholders(MySQL().tokenize(_readable(text))):
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
