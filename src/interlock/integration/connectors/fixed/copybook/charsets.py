"""Code pages: how characters, digits and signs are written in one byte each."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

# Code page 1047 holds the characters of 037, six of them in each other's places.
_SWAPPED_IN_1047 = ((0x5F, 0xB0), (0xAD, 0xBA), (0xBB, 0xBD))


def _table_1047() -> str:
    table = list(bytes(range(256)).decode("cp037"))
    for one, other in _SWAPPED_IN_1047:
        table[one], table[other] = table[other], table[one]
    return "".join(table)


@dataclass(frozen=True, slots=True)
class Charset:
    """One code page. *codec* is Python's name for it, or empty for a *table* of 256 characters.

    *ebcdic* says that digits are F0 to F9, and that a sign is the zone of a digit.
    """

    name: str
    codec: str = ""
    ebcdic: bool = False
    table: str = ""

    def decode(self, data: bytes) -> str:
        """Return the characters of *data*. Raises `UnicodeDecodeError`."""
        if self.table:
            return codecs.charmap_decode(data, "strict", self.table)[0]
        return data.decode(self.codec)

    def encode(self, text: str) -> bytes:
        """Return the bytes of *text*. Raises `UnicodeEncodeError`."""
        if self.table:
            return codecs.charmap_encode(text, "strict", codecs.charmap_build(self.table))[0]
        return text.encode(self.codec)

    @property
    def space(self) -> bytes:
        """The byte that texts are filled with."""
        return b"\x40" if self.ebcdic else b" "

    @property
    def zero(self) -> int:
        """The byte of the digit 0; the others follow it."""
        return 0xF0 if self.ebcdic else 0x30

    @property
    def line_end(self) -> bytes:
        """The byte that ends a line."""
        return b"\x15" if self.ebcdic else b"\n"


CHARSETS = {
    one.name: one
    for one in (
        Charset("ascii", "ascii"),
        Charset("latin-1", "latin-1"),
        Charset("cp1252", "cp1252"),
        Charset("utf-8", "utf-8"),
        Charset("cp037", "cp037", ebcdic=True),
        Charset("cp273", "cp273", ebcdic=True),
        Charset("cp500", "cp500", ebcdic=True),
        Charset("cp1026", "cp1026", ebcdic=True),
        Charset("cp1047", ebcdic=True, table=_table_1047()),
        Charset("cp1140", "cp1140", ebcdic=True),
    )
}
"""The code pages by name."""


def charset(name: str) -> Charset:
    """Return the code page *name*. Raises `KeyError`."""
    return CHARSETS[name]
