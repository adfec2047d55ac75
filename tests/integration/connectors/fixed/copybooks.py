"""Copybooks and layouts that several tests use, all written for them."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.fixed.copybook import (
    CHARSETS,
    DIALECTS,
    Layout,
    decode,
    encode,
    lay_out,
    parse_copybook,
)


def layout(text: str, *, encoding: str = "cp037", dialect: str = "ibm", **changes: str) -> Layout:
    """Return the layout of the one record that *text*, in free format, declares."""
    book = parse_copybook(text, "test.cpy", form="free")
    return lay_out(book.records[0], CHARSETS[encoding], DIALECTS[dialect].changed(**changes))


def field(picture: str, **more: str) -> Layout:
    """Return the layout of a record with one field `f`."""
    return layout(f"01 R. 05 F {picture}.", **more)


def read(made: Layout, data: bytes) -> Any:
    """Return the value of the field `f`; None where it cannot be read."""
    return decode(made, data).values["f"]


def written(made: Layout, value: Any) -> bytes:
    """Return the record whose field `f` is *value*."""
    return encode(made, {"f": value})
