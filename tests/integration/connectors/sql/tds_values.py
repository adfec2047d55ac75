"""Values as a server of TDS 7.4 writes them ([MS-TDS], 2.2.5.4 and 2.2.5.5): their TYPE_INFO, and rows of them."""

from __future__ import annotations

import datetime as dt
import struct
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

COLLATION = bytes.fromhex("0904d00034")  # SQL_Latin1_General_CP1_CI_AS
YEAR_ONE = dt.date(1, 1, 1).toordinal()
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Typed:
    """A value that SQLite has no type for: its TYPE_INFO and its bytes."""

    info: bytes
    value: bytes | None


INTN, FLTN = b"\x26\x08", b"\x6d\x08"
NVARCHAR, NVARCHAR_MAX = b"\xe7\x40\x1f" + COLLATION, b"\xe7\xff\xff" + COLLATION
VARBINARY_MAX = b"\xa5\xff\xff"


def bit(value: bool | None) -> Typed:
    return Typed(b"\x68\x01", None if value is None else bytes((1, value)))


def decimal(value: str, precision: int, scale: int) -> Typed:
    number = int(Decimal(value).scaleb(scale))
    size = next(size for most, size in ((9, 4), (19, 8), (28, 12), (38, 16)) if precision <= most)
    data = bytes((number >= 0,)) + abs(number).to_bytes(size, "little")
    return Typed(bytes((0x6C, size + 1, precision, scale)), bytes((len(data),)) + data)


def money(value: str) -> Typed:
    number = int(Decimal(value) * 10_000)
    return Typed(b"\x6e\x08", b"\x08" + struct.pack("<iI", number >> 32, number & 0xFFFFFFFF))


def guid(value: str) -> Typed:
    return Typed(b"\x24\x10", b"\x10" + uuid.UUID(value).bytes_le)


def date(value: dt.date) -> Typed:
    return Typed(b"\x28", b"\x03" + _days(value))


def datetime2(value: dt.datetime) -> Typed:
    return Typed(b"\x2a\x07", b"\x08" + _ticks(value) + _days(value))


def datetimeoffset(value: dt.datetime) -> Typed:
    offset = value.utcoffset()
    assert offset is not None
    there = value.astimezone(dt.UTC)
    minutes = struct.pack("<h", int(offset.total_seconds()) // 60)
    return Typed(b"\x2b\x07", b"\x0a" + _ticks(there) + _days(there) + minutes)


def _days(value: dt.date) -> bytes:
    return (value.toordinal() - YEAR_ONE).to_bytes(3, "little")


def _ticks(value: dt.datetime) -> bytes:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 10_000_000 + value.microsecond * 10).to_bytes(5, "little")


def _info(values: list[Any]) -> bytes:
    known = [value for value in values if value is not None]
    first = known[0] if known else None
    if isinstance(first, Typed):
        return first.info
    if isinstance(first, bytes):
        return VARBINARY_MAX
    if any(isinstance(value, str) for value in known):
        return NVARCHAR_MAX if any(len(str(value)) > 4000 for value in known) else NVARCHAR
    return FLTN if any(isinstance(value, float) for value in known) else INTN


def table(names: list[str], rows: list[Row]) -> tuple[bytes, bytes]:
    """Return COLMETADATA, and the rows: each as ROW, or as NBCROW where it has a null."""
    infos = [_info([row[place] for row in rows]) for place in range(len(names))]
    head = b"\x81" + struct.pack("<H", len(names))
    for name, info in zip(names, infos, strict=True):
        head += struct.pack("<IH", 0, 1) + info + b_varchar(name)
    body = b""
    for row in rows:
        if None in row:
            bits = sum(1 << place for place, value in enumerate(row) if value is None)
            body += b"\xd2" + bits.to_bytes((len(row) + 7) // 8, "little")
        else:
            body += b"\xd1"
        body += b"".join(_value(value, info) for value, info in zip(row, infos, strict=True) if value is not None)
    return head, body


def _value(value: Any, info: bytes) -> bytes:
    if isinstance(value, Typed):
        return value.value if value.value is not None else b"\x00"
    if info == INTN:
        return b"\x08" + struct.pack("<q", value)
    if info == FLTN:
        return b"\x08" + struct.pack("<d", value)
    data = value if isinstance(value, bytes) else str(value).encode("utf-16-le")
    if info == NVARCHAR:
        return struct.pack("<H", len(data)) + data
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + struct.pack("<I", 0)


def b_varchar(text: str) -> bytes:
    return bytes((len(text),)) + text.encode("utf-16-le")
