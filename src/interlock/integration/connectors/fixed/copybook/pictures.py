"""Picture character-strings: what a field holds, and how many positions of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

MAX_SIZE = 16_777_215
MAX_DIGITS = 38

Category = Literal["text", "edited", "number", "national"]

_REPEAT = re.compile(r"(.|CR|DB)\(([0-9]+)\)")
_ALLOWED = re.compile(r"(?:CR|DB|[AXBPSVZ90NG/,.+\-*$E])*")
_NUMBER = re.compile(r"S?(P*)(9*)(V?)(9*)(P*)")


class PictureInvalid(ValueError):
    """A picture cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. *size* is in character positions; *digits* and *scale* are those of a number.

    A *scale* of 2 means two places after the point, of -3 that three zeros follow the digits.
    """

    text: str
    category: Category
    size: int
    digits: int = 0
    scale: int = 0
    signed: bool = False


def parse_picture(text: str) -> Picture:
    """Return what *text*, such as `S9(7)V99`, says. Raises `PictureInvalid`."""
    full = _expanded(text.upper())
    if not full or not _ALLOWED.fullmatch(full):
        raise PictureInvalid(f"PIC {text} holds signs that no picture has")
    if match := _NUMBER.fullmatch(_without_implied_point(full)):
        return _number(text, full, match)
    if set(full) <= {"N"}:
        return Picture(text, "national", len(full))
    if set(full) <= set("AX9"):
        return Picture(text, "text", len(full))
    if "G" in full:
        raise PictureInvalid(f"PIC {text}: double-byte characters (G) are not supported")
    return Picture(text, "edited", len(re.sub("[VPS]", "", full)))


def _expanded(text: str) -> str:
    size = len(text)
    for match in _REPEAT.finditer(text):
        size += int(match[2][:10])
        if size > MAX_SIZE:
            raise PictureInvalid(f"PIC {text[:40]} describes more than {MAX_SIZE} positions")
    full = _REPEAT.sub(lambda match: match[1] * int(match[2]), text)
    if "(" in full or ")" in full:
        raise PictureInvalid(f"PIC {text[:40]}: the repeat count must be a number in parentheses")
    return full


def _number(text: str, full: str, match: re.Match[str]) -> Picture:
    before, whole, point, part, after = match.groups()
    digits = len(whole) + len(part)
    if not digits or (before and (point or after)) or (point and after):
        raise PictureInvalid(f"PIC {text}: a number needs digits, and P on one side of them only")
    if digits > MAX_DIGITS or len(before) + len(after) > MAX_DIGITS:
        raise PictureInvalid(f"PIC {text} has more than {MAX_DIGITS} digits")
    scale = len(before) + digits if before else len(part) - len(after)
    return Picture(text, "number", digits, digits, scale, full.startswith("S"))


def _without_implied_point(full: str) -> str:
    """Return a picture without the V that P at the beginning or the end implies anyway."""
    return re.sub(r"^(S?)VP", r"\1P", re.sub(r"PV$", "P", full))
