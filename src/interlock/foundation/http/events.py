"""Server-sent events: `text/event-stream` as it comes, cut into events within a limit."""

from __future__ import annotations

from typing import NamedTuple

from interlock.foundation.http.unpacking import too_large

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event; *name* is empty where the stream names none."""

    name: str
    data: bytes


class EventReader:
    """Reads a stream by section 9.2.6 of the HTML standard; ids, retries and comments are passed over.

    *most* bytes may come without an event being complete.
    """

    __slots__ = ("_begun", "_left", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = b""
        self._begun = False

    @property
    def rest(self) -> bytes:
        """What has come of an event that is not complete."""
        return self._left

    def feed(self, part: bytes) -> list[Event]:
        """Return the events that *part* completes. Raises `ResponseTooLarge`."""
        held = self._left + part if self._left else part
        if not self._begun and len(held) >= len(_BOM):
            held, self._begun = held.removeprefix(_BOM), True
        tail = b""
        if b"\r" in held:
            if held.endswith(b"\r"):  # perhaps half of a line's end
                held, tail = held[:-1], b"\r"
            held = held.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, left = held.split(b"\n\n")
        self._left = left + tail
        if len(self._left) > self._most:
            raise too_large(self._most)
        return [event for block in blocks if (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event("", block[6:])
    name, data = b"", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(name.decode("utf-8", "replace"), b"\n".join(data)) if data else None
