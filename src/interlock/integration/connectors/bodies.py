"""Bodies that systems sent: what they hold, how deep they are, and how long their words may be."""

from __future__ import annotations

import json
from typing import Any

import orjson

DEEPEST = 64
"""Levels of nesting that are taken."""
LONGEST = 300
"""Signs of an id, type, subject or time."""


def deeper(body: Any, most: int) -> bool:
    """Whether *body* nests deeper than *most* levels."""
    level = [body]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def whole(content: bytes) -> Any:
    """Return the JSON value that *content* is. Raises `ValueError` for what is none, and `NumberTooLarge`.

    A whole number of more than 64 bits would be kept as another one (RFC 8259, section 6, warns of it), so it is none.
    """
    value = orjson.loads(content)
    signs = content.translate(_SIGNS)
    if _LONG in signs or _NEGATIVE in signs:  # perhaps; seldom, and in a text or behind a point it is none
        try:
            json.loads(content, parse_int=_small, parse_float=_passed)
        except RecursionError:
            raise ValueError("nests too deeply") from None
    return value


class NumberTooLarge(ValueError):
    """A whole number has more than 64 bits; the text says so."""


def _small(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER or not -(1 << 63) <= int(digits) < 1 << 64:
        raise NumberTooLarge("holds a whole number of more than 64 bits, which only a text could carry")
    return 0


def _passed(_digits: str) -> float:
    return 0.0


_SIGNS = bytes(ord("0") if 48 <= sign < 58 else sign if sign == ord("-") else ord(" ") for sign in range(256))
_LONG, _NEGATIVE, _LONGEST_NUMBER = b"0" * 20, b"-" + b"0" * 19, 21
