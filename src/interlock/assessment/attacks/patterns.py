"""A text that fits a regular expression, for values that no record and no example gives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

_MOST = 3
"""How often a part is repeated that may be repeated without end."""
_CLASSES = {
    "CATEGORY_DIGIT": "5",
    "CATEGORY_WORD": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_NOT_WORD": "-",
    "CATEGORY_NOT_SPACE": "a",
}
_PREFERRED = "a5AbcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ012346789-_. /@:"


def text_for(pattern: str) -> str | None:
    """Return a text that *pattern* matches somewhere, or None where none is found."""
    try:
        parsed = import_module("re._parser").parse(pattern)
        text = _sequence(parsed)
        return text if re.search(pattern, text) else None
    except (re.error, ValueError, OverflowError, RecursionError):
        return None


def _sequence(parsed: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_part(str(operator), value) for operator, value in parsed)


def _part(operator: str, value: Any) -> str:
    if operator == "LITERAL":
        return chr(value)
    if operator == "NOT_LITERAL":
        return next(sign for sign in _PREFERRED if ord(sign) != value)
    if operator == "ANY":
        return "a"
    if operator == "IN":
        return _member(value)
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = value
        return _sequence(inner) * max(int(least), min(int(most), _MOST))
    if operator == "SUBPATTERN":
        return _sequence(value[-1])
    if operator == "ATOMIC_GROUP":
        return _sequence(value)
    if operator == "BRANCH":
        return _sequence(value[1][0])
    if operator == "CATEGORY":
        return _CLASSES[str(value)]
    if operator in ("AT", "ASSERT", "ASSERT_NOT"):
        return ""
    raise ValueError(operator)


def _member(parts: list[tuple[Any, Any]]) -> str:
    """Return one sign of a class; of a negated one the first that is none of it."""
    if str(parts[0][0]) == "NEGATE":
        return next(sign for sign in _PREFERRED if not any(_holds(part, sign) for part in parts[1:]))
    operator, value = parts[0]
    if str(operator) == "RANGE":
        return chr(value[0])
    return _part(str(operator), value)


def _holds(part: tuple[Any, Any], sign: str) -> bool:
    operator, value = str(part[0]), part[1]
    if operator == "LITERAL":
        return bool(ord(sign) == value)
    if operator == "RANGE":
        return bool(value[0] <= ord(sign) <= value[1])
    tests = {"CATEGORY_DIGIT": sign.isdigit(), "CATEGORY_WORD": sign.isalnum(), "CATEGORY_SPACE": sign.isspace()}
    return tests.get(str(value), False)
