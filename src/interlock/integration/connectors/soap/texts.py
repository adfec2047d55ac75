"""The simple types of XML Schema: what each is in JSON, and how its text is written and read.

Decimals, dates and times are texts in JSON, as neither has a type of its own there and nothing may be lost. 64 bits of
an integer are kept; `xs:integer`, which has no limit, has that one here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class TextUnfit(ValueError):
    """A value has no text of its type, or a text no value; says why, and never repeats it."""


_ZONE = "(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = "-?[0-9]{4,}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?"
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHITE = re.compile("[ \t\r\n]+")
_NUMBER_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TEXT_FACETS = ("enum", "pattern", "minLength", "maxLength")
SPECIAL = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}
WIDE = 2**63


def words(text: str) -> list[str]:
    """Return what stands between the white space of XML, which is less than that of Unicode."""
    return [word for word in _WHITE.split(text) if word]


@dataclass(frozen=True, slots=True)
class Text:
    """A type that is a text in JSON too. *collapsed*: white space around and between its words does not count."""

    pattern: str = ""
    collapsed: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    def schema(self, facets: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", **self.more}
        if self.pattern:
            found["pattern"] = f"^(?:{self.pattern})$"
            facets = {key: value for key, value in facets.items() if key == "enum"}
        return found | {key: facets[key] for key in _TEXT_FACETS if key in facets}

    def write(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TextUnfit("is no text")
        if _UNSAYABLE.search(value):
            raise TextUnfit("holds a sign that XML has not")
        return value

    def read(self, text: str) -> str:
        return " ".join(words(text)) if self.collapsed else text


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`; XML Schema also reads `1` and `0`."""

    def schema(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "boolean"}

    def write(self, value: Any) -> str:
        if not isinstance(value, bool):
            raise TextUnfit("is neither true nor false")
        return "true" if value else "false"

    def read(self, text: str) -> bool:
        word = text.strip()
        if word not in {"true", "false", "1", "0"}:
            raise TextUnfit("is neither true nor false")
        return word in {"true", "1"}


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from *least* to *most*."""

    least: int = -WIDE
    most: int = WIDE - 1

    def schema(self, facets: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "integer", "minimum": self.least, "maximum": self.most}
        for key in _NUMBER_LIMITS:
            limit = _number(facets.get(key), int)
            if limit is not None and self.least <= limit <= self.most:
                found[key] = limit
        values = [value for one in facets.get("enum", ()) if (value := _number(one, int)) is not None]
        return found | ({"enum": values} if values else {})

    def write(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise TextUnfit(f"is no whole number from {self.least} to {self.most}")
        return str(value)

    def read(self, text: str) -> int:
        word = text.strip()
        if not _INTEGER.fullmatch(word) or not self.least <= int(word) <= self.most:
            raise TextUnfit(f"is no whole number from {self.least} to {self.most}")
        return int(word)


@dataclass(frozen=True, slots=True)
class Float:
    """A floating-point number; what JSON has no number for is one of the texts `NaN`, `INF` and `-INF`."""

    def schema(self, facets: Mapping[str, Any]) -> dict[str, Any]:
        limits = {key: limit for key in _NUMBER_LIMITS if (limit := _number(facets.get(key), float)) is not None}
        return {"anyOf": [{"type": "number", **limits}, {"type": "string", "enum": list(SPECIAL)}]}

    def write(self, value: Any) -> str:
        if isinstance(value, str) and value in SPECIAL:
            return value
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise TextUnfit("is no number")
        return repr(value)

    def read(self, text: str) -> float | str:
        word = text.strip()
        if word in SPECIAL:
            return word
        if word == "+INF":
            return "INF"
        if not _FLOAT.fullmatch(word) or not math.isfinite(float(word)):
            raise TextUnfit("is no number")
        return float(word)


@dataclass(frozen=True, slots=True)
class Decimals:
    """A decimal number, as a text in JSON."""

    def schema(self, facets: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", "pattern": r"^-?[0-9]+(?:\.[0-9]+)?$"}
        return found | ({"enum": list(facets["enum"])} if "enum" in facets else {})

    def write(self, value: Any) -> str:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise TextUnfit("is no decimal number, written as a text")
        return value

    def read(self, text: str) -> str:
        word = text.strip()
        if not _DECIMAL.fullmatch(word):
            raise TextUnfit("is no decimal number")
        whole, point, rest = word.lstrip("+-").partition(".")
        sign = "-" if word.startswith("-") else ""
        return f"{sign}{whole or '0'}{point if rest else ''}{rest}"


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes in base64 (RFC 4648), as they are."""

    def schema(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$", "contentEncoding": "base64"}

    def write(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch("[A-Za-z0-9+/]*={0,2}", value):
            raise TextUnfit("is not in base64")
        return value

    def read(self, text: str) -> str:
        word = "".join(text.split())
        if not re.fullmatch("[A-Za-z0-9+/]*={0,2}", word):
            raise TextUnfit("is not in base64")
        return word


Kind = Text | Boolean | Integer | Float | Decimals | Base64


def _number(value: Any, kind: Callable[[str], Any]) -> Any:
    try:
        number = kind(str(value).strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _up_to(bits: int) -> Integer:
    return Integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


KINDS: Mapping[str, Kind] = {
    "string": Text(collapsed=False),
    "normalizedString": Text(collapsed=False),
    "boolean": Boolean(),
    "decimal": Decimals(),
    "float": Float(),
    "double": Float(),
    "date": Text(_DATE + _ZONE),
    "dateTime": Text(f"{_DATE}T{_TIME}{_ZONE}"),
    "time": Text(_TIME + _ZONE),
    "duration": Text("-?P[0-9YMDTHS.]+"),
    "gYear": Text(f"-?[0-9]{{4,}}{_ZONE}"),
    "gYearMonth": Text(f"-?[0-9]{{4,}}-[0-9]{{2}}{_ZONE}"),
    "gMonth": Text(f"--[0-9]{{2}}{_ZONE}"),
    "gMonthDay": Text(f"--[0-9]{{2}}-[0-9]{{2}}{_ZONE}"),
    "gDay": Text(f"---[0-9]{{2}}{_ZONE}"),
    "base64Binary": Base64(),
    "hexBinary": Text("(?:[0-9A-Fa-f]{2})*"),
    "integer": Integer(),
    "long": Integer(),
    "int": _up_to(32),
    "short": _up_to(16),
    "byte": _up_to(8),
    "nonNegativeInteger": Integer(least=0),
    "positiveInteger": Integer(least=1),
    "nonPositiveInteger": Integer(most=0),
    "negativeInteger": Integer(most=-1),
    "unsignedLong": Integer(0, 2**64 - 1),
    "unsignedInt": Integer(0, 2**32 - 1),
    "unsignedShort": Integer(0, 2**16 - 1),
    "unsignedByte": Integer(0, 255),
}
"""By the local name of the type; every other simple type is a text whose white space does not count."""
OTHER = Text()


def kind_of(name: str) -> Kind:
    """Return the kind of the simple type of XML Schema with that local *name*."""
    return KINDS.get(name, OTHER)
