"""Bounded unpacking of an answer's body, so that a small answer cannot become a huge one in memory."""

from __future__ import annotations

import zlib
from typing import Protocol

from interlock.foundation.http.errors import ResponseTooLarge, ResponseUnreadable

ACCEPTED = "gzip"
_GZIP = 16 + zlib.MAX_WBITS


class Body(Protocol):
    """Collects the parts of a body."""

    def add(self, part: bytes) -> None:
        """Take the next part. Raises `ResponseTooLarge` or `ResponseUnreadable`."""
        ...

    def whole(self) -> bytes:
        """Return everything. Raises `ResponseUnreadable` where the end is missing."""
        ...


class PlainBody:
    """A body that is sent as it is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise too_large(self._limit)
        self._parts.append(part)

    def whole(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class PackedBody:
    """A body packed with gzip (RFC 1952, one member); only as much is unpacked as the limit allows."""

    def __init__(self, limit: int) -> None:
        self._plain = PlainBody(limit)
        self._left = limit
        self._unpack = zlib.decompressobj(_GZIP)

    def add(self, part: bytes) -> None:
        try:
            unpacked = self._unpack.decompress(part, self._left + 1)
        except zlib.error as error:
            raise ResponseUnreadable("the answer's body cannot be unpacked", sent=True) from error
        self._left -= len(unpacked)
        self._plain.add(unpacked)

    def whole(self) -> bytes:
        if not self._unpack.eof or self._unpack.unused_data:
            raise ResponseUnreadable("the answer's packed body is not whole", sent=True)
        return self._plain.whole()


def body_for(encoding: str, limit: int) -> Body:
    """Return what collects a body of this `Content-Encoding`.

    Raises `ResponseUnreadable` for an encoding that was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return PlainBody(limit)
    if encoding == ACCEPTED:
        return PackedBody(limit)
    why = f"only {ACCEPTED} is understood"
    raise ResponseUnreadable("the answer is packed in a way that was not asked for", sent=True, why=why)


def too_large(limit: int) -> ResponseTooLarge:
    """Return the error for an answer above *limit* bytes."""
    return ResponseTooLarge(
        f"the answer is larger than {limit} bytes",
        sent=True,
        fix="raise `limits.response` of the system, or ask for less at a time",
        limit=limit,
    )
