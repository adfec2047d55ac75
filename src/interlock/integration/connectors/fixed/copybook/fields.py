"""From the clauses of one elementary item to the way its bytes are written."""

from __future__ import annotations

from interlock.integration.connectors.fixed.copybook import items
from interlock.integration.connectors.fixed.copybook.charsets import Charset
from interlock.integration.connectors.fixed.copybook.codecs import (
    BinaryCodec,
    Codec,
    FloatCodec,
    HexadecimalFloatCodec,
    NationalCodec,
    Number,
    OpaqueCodec,
    PackedCodec,
    TextCodec,
    Unfit,
    ZonedCodec,
)
from interlock.integration.connectors.fixed.copybook.dialects import Dialect
from interlock.integration.connectors.fixed.copybook.items import Item
from interlock.integration.connectors.fixed.copybook.pictures import Picture

_BINARY_DIGITS = 18
_FLOATS = {items.SINGLE: 4, items.DOUBLE: 8}
_OPAQUE = {items.INDEX: 4, items.POINTER: 8}


class ClauseConflict(ValueError):
    """The clauses of an item do not go together; the text says which."""


def codec_of(item: Item, usage: str, charset: Charset, dialect: Dialect) -> Codec:
    """Return how the field is written; *usage* is its own or its group's. Raises `ClauseConflict`."""
    name = item.name or "FILLER"
    if usage in _FLOATS:
        if item.picture is not None:
            raise ClauseConflict(f"{name} is {usage}, which takes no PIC clause")
        float_codec = HexadecimalFloatCodec if dialect.hexadecimal else FloatCodec
        return float_codec(_FLOATS[usage], dialect.floats)
    if usage in _OPAQUE:
        return OpaqueCodec(_OPAQUE[usage])
    picture = item.picture
    if picture is None:
        raise ClauseConflict(f"{name} has neither a PIC clause nor items below it")
    if picture.category == "national" or usage == items.NATIONAL:
        if picture.category not in {"national", "text"}:
            raise ClauseConflict(f"{name}: a number or an edited field of usage NATIONAL is not supported")
        return NationalCodec(picture.size * 2)
    if picture.category != "number":
        if usage not in {"", items.DISPLAY}:
            raise ClauseConflict(f"{name} is {usage}, so its PIC must be a number")
        return TextCodec(picture.size, charset, item.justified)
    return _number(name, item, picture, usage or items.DISPLAY, charset, dialect)


def _number(name: str, item: Item, picture: Picture, usage: str, charset: Charset, dialect: Dialect) -> Codec:
    number = Number(picture.digits, picture.scale, picture.signed)
    if usage == items.DISPLAY:
        return ZonedCodec(number, charset, dialect.sign, item.sign_leading, item.sign_separate, item.blank_when_zero)
    if usage == items.PACKED:
        return PackedCodec(number)
    if usage == items.UNSIGNED_PACKED:
        return PackedCodec(Number(picture.digits, picture.scale, signed=False), with_sign=False)
    if picture.digits > _BINARY_DIGITS:
        raise ClauseConflict(f"{name} is {usage}, which holds at most {_BINARY_DIGITS} digits")
    native = usage == items.NATIVE
    size = dialect.binary_size(picture.digits, picture.signed)
    return BinaryCodec(number, size, dialect.native if native else dialect.comp, full=native)


def boundary_of(item: Item, usage: str, dialect: Dialect) -> int:
    """Return the boundary, in bytes from the record's beginning, that SYNCHRONIZED puts the item on; usually 1."""
    inner = [one for one in item.walk() if not one.children] if item.synchronized and item.children else [item]
    widest = 1
    for one in inner:
        used = one.usage or usage
        if not (one.synchronized or item.synchronized):
            continue
        if used in _FLOATS:
            widest = max(widest, _FLOATS[used])
        elif used in _OPAQUE:
            widest = max(widest, _OPAQUE[used])
        elif used in {items.BINARY, items.NATIVE} and one.picture is not None:
            size = dialect.binary_size(one.picture.digits, one.picture.signed)
            aligned = size if size & (size - 1) == 0 else 1
            widest = max(widest, min(aligned, dialect.widest_boundary))
    return widest


def widest_below(item: Item, usage: str, dialect: Dialect) -> int:
    """Return the widest boundary that something in a group needs."""
    if not item.children:
        return boundary_of(item, item.usage or usage, dialect)
    return max(widest_below(child, item.usage or usage, dialect) for child in item.children)


def initial_of(item: Item, codec: Codec, charset: Charset) -> bytes:
    """Return the bytes that a new record's field begins with: its VALUE, else spaces or zero."""
    size = codec.size
    word = item.value
    if not word:
        return codec.initial()
    if word in {"LOW-VALUE", "LOW-VALUES", "NULL", "NULLS"}:
        return bytes(size)
    if word in {"HIGH-VALUE", "HIGH-VALUES"}:
        return b"\xff" * size
    if word in {"SPACE", "SPACES"}:
        return charset.space * size
    repeated = word.startswith("ALL ")
    word = word.removeprefix("ALL ")
    try:
        if word in {"ZERO", "ZEROS", "ZEROES"}:
            return codec.encode("0" * size) if isinstance(codec, TextCodec) else codec.encode(0)
        text = word
        if word[-1] in "\"'":
            quote = word[-1]
            text = word[word.index(quote) + 1 : -1].replace(quote * 2, quote)
            if word[0] in "Xx":
                return bytes.fromhex(text).ljust(size, charset.space)[:size]
        if repeated and text and isinstance(codec, TextCodec):
            text = (text * (size // len(text) + 1))[:size]
        if isinstance(codec, (FloatCodec, HexadecimalFloatCodec)):
            return codec.encode(float(text))
        return codec.encode(text)
    except (Unfit, ValueError):
        raise ClauseConflict(f"the VALUE of {item.name or 'FILLER'} does not fit its PIC clause") from None
