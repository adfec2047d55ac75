"""How compilers store the same declaration in different bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Order = Literal["big", "little"]
ZONE = "zone"  # the zone of a digit: C or D in EBCDIC
LETTERS = "letters"  # the same, translated to ASCII: { and A to I, } and J to R
HIGH = "high"  # ASCII digits, negative ones 40 hex higher: p to y


def _two_four_eight(digits: int, signed: bool) -> int:  # noqa: FBT001 - the shape that all of these share
    del signed
    return 2 if digits <= 4 else 4 if digits <= 9 else 8


def _one_two_four_eight(digits: int, signed: bool) -> int:  # noqa: FBT001 - the shape that all of these share
    return 1 if digits <= 2 else _two_four_eight(digits, signed)


def _smallest(digits: int, signed: bool) -> int:  # noqa: FBT001 - the shape that all of these share
    largest: int = 10**digits - 1
    return (largest.bit_length() + signed + 7) // 8


@dataclass(frozen=True, slots=True)
class Dialect:
    """One compiler's choices.

    *binary_size* gives the bytes of a binary number of so many digits, signed or not. *comp* and *native* are the
    byte orders of COMP and COMP-5, *floats* that of COMP-1 and COMP-2, which are *hexadecimal* (IBM) or IEEE.
    *slides* says that what follows a table of changing length moves with it. *widest_boundary* is the largest
    boundary that a SYNCHRONIZED binary number is put on. *sign* is how a sign shares a byte with an ASCII digit.
    """

    name: str
    binary_size: Callable[[int, bool], int]
    comp: Order
    native: Order
    floats: Order
    hexadecimal: bool
    slides: bool
    widest_boundary: int
    sign: str

    def changed(self, *, floats: str = "", order: str = "", sign: str = "", tables: str = "") -> Dialect:
        """Return the dialect with some choices made otherwise; an empty word leaves one as it is."""
        one = self
        if floats:
            one = replace(one, hexadecimal=floats == "ibm", floats="little" if floats == "ieee-little" else "big")
        if order == "little":
            one = replace(one, native="little")
        elif order == "big":
            one = replace(one, native="big")
        if tables:
            one = replace(one, slides=tables == "slide")
        return replace(one, sign=sign) if sign else one


DIALECTS = {
    one.name: one
    for one in (
        Dialect("ibm", _two_four_eight, "big", "big", "big", True, True, 4, LETTERS),
        Dialect("gnucobol", _one_two_four_eight, "big", "little", "little", False, False, 8, HIGH),
        Dialect("microfocus", _smallest, "big", "little", "little", False, False, 8, HIGH),
    )
}
"""The dialects by name."""
