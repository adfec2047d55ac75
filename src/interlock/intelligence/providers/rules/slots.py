"""Slots: values that a sentence, an earlier turn or an earlier result names, found by patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.expressions import Expression
from interlock.intelligence.providers.rules.templates import Template

LONGEST_TEXT = 20_000
_SEPARATORS = re.compile(r"[.,']")


def _integer(text: str) -> int | None:
    digits = text.strip("#.,' ")
    if digits.isdecimal():
        return int(digits)
    head, *groups = _SEPARATORS.split(digits)
    whole = bool(groups) and 1 <= len(head) <= 3 and all(len(group) == 3 for group in groups)
    joined = head + "".join(groups)
    return int(joined) if whole and joined.isdecimal() else None


def _number(text: str) -> int | float | None:
    digits = text.strip("$€£ .,'")
    head, _, tail = digits.rpartition(max(",.", key=digits.rfind))
    if len(tail) == 3 and head and set(digits) & set(",.'"):
        grouped = _integer(digits)
        if grouped is not None:
            return grouped
    whole = _SEPARATORS.sub("", head)
    if not (whole + tail).isdecimal() or (len(whole) > 15):
        return None
    value = float(f"{whole or '0'}.{tail}") if head else float(tail)
    return int(value) if value.is_integer() else value


def _code(text: str) -> str:
    return text.strip().upper()


def _text(text: str) -> str | None:
    return text.strip().strip("\"'“”„").strip() or None


TYPES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "integer": (r"#?\d[\d.,']*", _integer),
    "number": (r"[$€£]?\s?\d[\d.,']*", _number),
    "code": (r"[A-Za-z][\w-]*", _code),
    "word": (r"[\w@.+-]*[\w]", _text),
    "text": (r".+?", _text),
}
"""For each type, what it looks like inside a sentence and how it is read."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A named value. *source* is where its text is found; without one, in what the person wrote."""

    name: str
    type: str
    patterns: tuple[re.Pattern[str], ...] = ()
    source: Expression | None = None
    earlier: bool = False
    ask: str = ""
    default: Template | None = None
    values: Mapping[str, Any] | None = None

    def read(self, text: str) -> Any:
        """Return the value that *text* stands for, or `None` if it is none of this slot's type."""
        value = TYPES[self.type][1](text)
        if self.values is None or value is None:
            return value
        return self.values.get(str(value).lower())

    def find(self, text: str) -> Any:
        """Return the first value that the slot's patterns find in *text*, or `None`."""
        for pattern in self.patterns:
            for match in pattern.finditer(text[:LONGEST_TEXT]):
                value = self.read(match[1] if pattern.groups else match[0])
                if value is not None:
                    return value
        return None


def usual_pattern(name: str, kind: str) -> str:
    """Return the pattern of a slot that declares none: its name and, close behind, a value of its type."""
    spoken = re.escape(name).replace("_", r"[\s_-]")
    between = r"\W{0,3}(?:(?:no\.?|nr\.?|number|id|of)\W{0,3})?"
    return rf"\b{spoken}{between}({TYPES[kind][0]})(?!\w)"
