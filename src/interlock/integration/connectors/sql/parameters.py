"""Named parameters (`:name`) rewritten to PostgreSQL's numbered ones, and nothing else of the statement touched."""

from __future__ import annotations

from itertools import pairwise


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return *text* with `$1`, `$2`, ... for its `:name` parameters, and their names in that order.

    Only signs that the SQL tokenizer sees as parameters are replaced: never within a text, a comment or a cast.
    """
    from sqlglot.dialects import Postgres

    tokens = Postgres().tokenize(text)
    names: list[str] = []
    pieces: list[str] = []
    done = 0
    for colon, name in pairwise(tokens):
        if colon.token_type.name != "COLON" or name.start != colon.end + 1 or not name.text.isidentifier():
            continue
        if name.text not in names:
            names.append(name.text)
        pieces += [text[done : colon.start], f"${names.index(name.text) + 1}"]
        done = name.end + 1
    return "".join([*pieces, text[done:]]), tuple(names)
