"""Values on Firebird's wire: parameters as a message of the protocol's, and names and columns as they come back."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

LONGEST = 32_765
"""How many octets a text may have that is sent as one value."""
_SIGN = re.compile(r"%\((\w+)\)s|%%")
_FLOATS = frozenset({480, 482, 530})
_TIMESTAMP, _BOOLEAN = 510, 32764
_TEXT, _VARYING, _OCTETS = 452, 448, 1
_LONG, _INT64, _DOUBLE, _BOOL, _CHAR = 8, 16, 27, 23, 14
_NULL_FLAG = bytes((7, 0))
_SCALES = range(-128, 128)


class Unsendable(Exception):
    """A parameter that the protocol has no form for."""


def positional(text: str, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return *text* with `?` for each `%(name)s`, `%` for `%%`, and the values in that order."""
    given: list[Any] = []

    def place(sign: re.Match[str]) -> str:
        if sign[1] is None:
            return "%"
        given.append(values[sign[1]])
        return "?"

    return _SIGN.sub(place, text), given


def message(values: Sequence[Any], described: Sequence[Any]) -> tuple[bytes, bytes]:
    """Return the format (BLR) of *values* and the values themselves, as protocols from 13 on have them.

    *described* is what the server says of each parameter. Decimals stay decimals: only where the parameter is
    approximate itself, or a number has more digits than the exact form, is it sent as a binary fraction.
    Raises `Unsendable`.
    """
    form = bytes((5, 2, 4, 0)) + (2 * len(values)).to_bytes(2, "little")
    nulls, data = 0, b""
    for place, (value, kind) in enumerate(zip(values, described, strict=True)):
        if value is None:
            nulls |= 1 << place
            form += bytes((_CHAR, 0, 0)) + _NULL_FLAG
            continue
        blr, octets = _value(value, kind.sqltype)
        form += blr + _NULL_FLAG
        data += octets + bytes(-len(octets) % 4)
    flags = nulls.to_bytes((len(values) + 7) // 8, "little")
    return form + bytes((255, 76)), flags + bytes(-len(flags) % 4) + data


def _value(value: Any, kind: int) -> tuple[bytes, bytes]:
    if isinstance(value, bool) or (kind == _BOOLEAN and value in {0, 1}):
        if kind == _BOOLEAN:
            return bytes((_BOOL,)), bytes((bool(value),))
        value = int(value)
    if isinstance(value, float):
        return _fraction(value, kind)
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return bytes((_LONG, 0)), value.to_bytes(4, "big", signed=True)
        if -(1 << 63) <= value < 1 << 63:
            return bytes((_INT64, 0)), value.to_bytes(8, "big", signed=True)
    text = str(value).replace("T", " ", 1) if kind == _TIMESTAMP else str(value)
    octets = text.encode()
    if len(octets) > LONGEST:
        raise Unsendable
    return bytes((_CHAR,)) + len(octets).to_bytes(2, "little"), octets


def _fraction(value: float, kind: int) -> tuple[bytes, bytes]:
    if kind not in _FLOATS:
        sign, digits, exponent = Decimal(repr(value)).as_tuple()
        number = int("".join(map(str, digits)))
        if isinstance(exponent, int) and exponent in _SCALES and number < 1 << 63:
            scaled = -number if sign else number
            return bytes((_INT64, exponent & 0xFF)), scaled.to_bytes(8, "big", signed=True)
    return bytes((_DOUBLE,)), struct.pack(">d", value)


def heard(raw: bytes, kind: Any) -> Any:
    """Return the value *raw* of a column of *kind*: texts as texts, those of octets as they are, numbers exactly."""
    if kind.sqltype in {_TEXT, _VARYING} and kind.sqlsubtype & 0xFF == _OCTETS:
        return raw
    return kind.value(raw)


def spoken(name: str, *, quoted: bool = True) -> str:
    """Return the name of a column of a result: Firebird's own, in small letters where it has none that are.

    What is not *quoted* in a statement is in capital letters to the server.
    """
    own = name if quoted else name.upper()
    return own.lower() if own == own.upper() else own
