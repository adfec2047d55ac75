"""A value expression in CEL (Common Expression Language), compiled once and evaluated often.

Numbers are JSON numbers: `3` and `3.0` are one value and arithmetic never mixes types. CEL itself keeps
integers and doubles apart and refuses `1.5 + 1`, so integers in the text and in the variables are handed to
the engine as doubles, and whole doubles come back as integers. An integer beyond 2**53, such as a long id,
stays exact. A computed number is rounded to 9 decimal places, so that `0.1 + 0.2` is `0.3`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.foundation.expressions.engine import engine
from interlock.foundation.expressions.errors import ExpressionFailed, ExpressionInvalid
from interlock.foundation.expressions.functions import DOUBLED, FUNCTIONS, INDEX, REGISTERED, STANDARD
from interlock.foundation.expressions.tokens import Token, closing, invalid, tokenize

LONGEST = 4_000
"""The greatest length of an expression in characters."""

_EXACT = 2**53
_PATH = re.compile(r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*")
_WORDS = frozenset({"true", "false", "null", "in"})
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_POSITION = re.compile(r"<input>:(\d+):(\d+):\s*(?:Syntax error: )?([^\n]*)")
_ENGINE_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, AttributeError)


class Expression:
    """A compiled expression. Immutable and safe to share between threads."""

    __slots__ = ("_path", "_program", "names", "text")

    def __init__(self, text: str, names: frozenset[str], path: tuple[str, ...], program: Any) -> None:
        self.text = text
        self.names = names
        self._path = path
        self._program = program

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @property
    def path(self) -> tuple[str, ...]:
        """The names of a plain look-up such as `facts.order.total`; empty for anything else."""
        return self._path

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value as JSON: times as RFC 3339 text, durations as seconds.

        *variables* are JSON values; those that the expression does not name are not looked at. Raises
        `ExpressionFailed`, whose text names fields of the expression but never a value.
        """
        if self._path:
            return self._look_up(variables)
        try:
            given = {name: _doubled(variables[name]) for name in self.names if name in variables}
            result = self._program.execute(engine().Context(variables=given, functions=REGISTERED))
            return _json(result)
        except _ENGINE_ERRORS as error:
            raise self._failed(_cause(error)) from None

    def _look_up(self, variables: Mapping[str, Any]) -> Any:
        value: Any = variables
        for depth, name in enumerate(self._path):
            if not isinstance(value, Mapping) or name not in value:
                raise self._failed(f"there is no `{'.'.join(self._path[: depth + 1])}`")
            value = value[name]
        return value

    def _failed(self, why: str) -> ExpressionFailed:
        return ExpressionFailed(f"The expression `{self.text}` has no value here.", why=why)


def compile_expression(text: str, *, variables: Iterable[str]) -> Expression:
    """Return *text* compiled; it may use *variables*, CEL's standard functions and those of `FUNCTIONS`.

    Raises `ExpressionInvalid` with the position and, for an unknown name, the known ones.
    """
    known = frozenset(variables)
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise ExpressionInvalid(
            "An expression is empty or too long.",
            why=f"it has {len(text)} characters",
            fix=f"Write a CEL expression of 1 to {LONGEST} characters.",
        )
    tokens = tokenize(text)
    if _PATH.fullmatch(text) and tokens[0].text not in _WORDS:
        _check_names(text, tokens[:1], known)
        path = tuple(token.text for token in tokens if token.kind == "name")
        return Expression(text, frozenset(path[:1]), path, None)
    try:
        used = frozenset(engine().compile(text).variables())
    except ValueError as error:
        raise _syntax(text, str(error)) from None
    bound = frozenset(_bound(tokens))
    _check_names(text, tokens, known | bound)
    names = used & known
    return Expression(text, names, (), engine().compile(_rewritten(text, tokens)))


def _syntax(text: str, message: str) -> ExpressionInvalid:
    match = _POSITION.search(message)
    if match is None:
        return invalid(text, 0, "the text is not a CEL expression")
    line, column, why = int(match.group(1)), int(match.group(2)), match.group(3)
    at = sum(len(part) + 1 for part in text.split("\n")[: line - 1]) + column - 1
    return invalid(text, at, why.split(" expecting ")[0])


def _bound(tokens: list[Token]) -> Iterable[str]:
    """Yield the names that macros such as `list.map(x, ...)` bind."""
    for dot, macro, bracket, name, comma in zip(tokens, tokens[1:], tokens[2:], tokens[3:], tokens[4:], strict=False):
        if dot.text == "." and macro.text in _MACROS and bracket.text == "(" and comma.text == ",":
            yield name.text


def _check_names(text: str, tokens: list[Token], known: frozenset[str]) -> None:
    for index, token in enumerate(tokens):
        if token.text == "%" and token.kind == "sign":
            raise invalid(text, token.at, "`%` is defined for integers only", fix="Write mod(a, b).")
        if token.kind != "name" or token.text in _WORDS:
            continue
        before = tokens[index - 1].text if index else ""
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if after == "(":
            _check_name(text, token, STANDARD | frozenset(FUNCTIONS), "function")
        elif before != ".":
            _check_name(text, token, known, "variable")


def _check_name(text: str, token: Token, known: frozenset[str], what: str) -> None:
    if token.text in known:
        return
    near = difflib.get_close_matches(token.text, known, n=1)
    names = ", ".join(sorted(known)) or "none"
    fix = f"Did you mean `{near[0]}`? " if near else ""
    raise invalid(text, token.at, f"there is no {what} `{token.text}`", fix=f"{fix}Known {what}s: {names}.")


def _rewritten(text: str, tokens: list[Token]) -> str:
    """Return *text* with integers as doubles, integer functions replaced and indexes as integers."""
    changes: dict[int, tuple[int, str]] = {}
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind == "int":
            number = int(token.text, 16 if token.text[:2].lower() == "0x" else 10)
            if number <= _EXACT:
                changes[token.at] = (len(token.text), f"{number}.0")
        elif token.kind == "name" and token.text in DOUBLED and after == "(":
            changes[token.at] = (len(token.text), f"{token.text}__")
        elif token.text == "[" and before is not None and _ends_a_value(before):
            end = tokens[closing(tokens, index)]
            changes[token.at] = (1, f"[{INDEX}(")
            changes[end.at] = (1, ")]")
    for at in sorted(changes, reverse=True):
        length, replacement = changes[at]
        text = text[:at] + replacement + text[at + length :]
    return text


def _ends_a_value(token: Token) -> bool:
    return (
        (token.kind == "name" and token.text not in _WORDS) or token.kind == "string" or token.text in {")", "]", "}"}
    )


def _doubled(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        if -_EXACT <= value <= _EXACT:
            return float(value)
        if not -(2**63) <= value < 2**63:
            raise OverflowError("an integer needs more than 64 bits")
        return value
    if kind is dict:
        return {key: _doubled(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_doubled(item) for item in value]
    return value


def _json(value: Any) -> Any:
    if type(value) is float:
        if not math.isfinite(value):
            raise ZeroDivisionError("not a finite number")
        rounded = float(f"{round(value, 9):.15g}")
        return int(rounded) if rounded.is_integer() and abs(rounded) <= _EXACT else rounded
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return _json(value.total_seconds())
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError("the result is not a JSON value")


def _cause(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "a field that it names is not there"
    if isinstance(error, IndexError):
        return "a list is shorter than the index asks for"
    if isinstance(error, (ZeroDivisionError, OverflowError)):
        return "the result is not a finite number"
    if isinstance(error, RuntimeError):
        return "a function did not accept its arguments, or a variable is not given"
    return "the types of its parts do not fit together"
