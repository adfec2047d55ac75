"""The tokens of CEL source text, with their positions; enough to rewrite numbers and to find names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from interlock.foundation.expressions.errors import ExpressionInvalid

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<string>(?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<uint>(?:0[xX][0-9a-fA-F]+|\d+)[uU]\b)
    | (?P<int>0[xX][0-9a-fA-F]+|\d+)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}=])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """One token: its *kind* (`string`, `float`, `uint`, `int`, `name`, `sign`), text and offset."""

    kind: str
    text: str
    at: int


def tokenize(text: str) -> list[Token]:
    """Return the tokens of *text* without spaces and comments. Raises `ExpressionInvalid`."""
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid(text, at, f"{text[at]!r} does not belong here")
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), at))
        at = match.end()
    return tokens


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Return the index of the bracket that closes the one at index *opening*, or `len(tokens)`."""
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind != "sign":
            continue
        if tokens[index].text in _OPEN:
            depth += 1
        elif tokens[index].text in _OPEN.values():
            depth -= 1
            if depth == 0:
                return index
    return len(tokens)


def split(tokens: Sequence[Token], separator: str) -> list[Sequence[Token]]:
    """Return the parts of *tokens* between the *separator* signs that stand outside every bracket."""
    parts: list[Sequence[Token]] = []
    start = index = 0
    while index < len(tokens):
        text = tokens[index].text if tokens[index].kind == "sign" else ""
        if text in _OPEN:
            index = closing(tokens, index)
        elif text == separator:
            parts.append(tokens[start:index])
            start = index + 1
        index += 1
    parts.append(tokens[start:])
    return parts


def invalid(text: str, at: int, why: str, *, fix: str = "") -> ExpressionInvalid:
    """Return the error for *text* with the position *at* as line and column."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    shown = text if len(text) <= 200 else text[:200] + "..."
    return ExpressionInvalid(
        f"The expression `{shown}` is not valid at line {line}, column {column}.",
        why=why,
        fix=fix,
        line=line,
        column=column,
    )
