"""`application/vnd.amazon.eventstream` as it comes: frames with headers, each with two checksums."""

from __future__ import annotations

import struct
from zlib import crc32

from interlock.foundation.http import Event
from interlock.intelligence.gateway.errors import ModelUnreadable

STREAM = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_STRING = 7
_LEAST, _MOST = 16, 1 << 24


class FrameReader:
    """Cuts a body into frames. An event's name is its type; an exception's is `error`."""

    def __init__(self) -> None:
        self._left = b""

    @property
    def rest(self) -> bytes:
        return self._left

    def feed(self, part: bytes) -> list[Event]:
        """Return the events that *part* completes. Raises `ModelUnreadable` for a frame that is damaged."""
        held, events = self._left + part, []
        while len(held) >= _PRELUDE.size:
            length, headers, check = _PRELUDE.unpack_from(held)
            if crc32(held[:8]) != check or not _LEAST <= length <= _MOST or headers > length - _LEAST:
                raise ModelUnreadable("a frame of the model server is damaged")
            if len(held) < length:
                break
            frame, held = held[:length], held[length:]
            if crc32(frame[:-4]) != int.from_bytes(frame[-4:], "big"):
                raise ModelUnreadable("a frame of the model server is damaged")
            named = _headers(frame[_PRELUDE.size : _PRELUDE.size + headers])
            kind = named.get(":event-type", "") if named.get(":message-type", "event") == "event" else "error"
            events.append(Event(kind, frame[_PRELUDE.size + headers : -4]))
        self._left = held
        return events


def _headers(raw: bytes) -> dict[str, str]:
    """Return the headers that are texts, which all are that matter here."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            end = at + 1 + raw[at]
            name = raw[at + 1 : end].decode()
            if raw[end] != _STRING:
                raise ModelUnreadable("a frame of the model server has a header of another type than text")
            size = int.from_bytes(raw[end + 1 : end + 3], "big")
            at = end + 3 + size
            found[name] = raw[end + 3 : at].decode()
    except (IndexError, UnicodeDecodeError) as error:
        raise ModelUnreadable("a frame of the model server has headers that cannot be read") from error
    return found
