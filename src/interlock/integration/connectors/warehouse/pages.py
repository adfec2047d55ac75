"""Pages of rows: gathered under a limit of rows and bytes, and the cursor that tells where the next begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from interlock.integration.connectors.files.errors import ArgumentUnfit, FileTooLarge
from interlock.integration.connectors.sql.results import plain, weight
from interlock.integration.connectors.warehouse.errors import ValueUnfit

_ENVELOPE = 500
_INTEGERS = range(-(1 << 63), 1 << 64)


class Page:
    """Takes rows until there are *most*, or they weigh *max_bytes*. The last *marks* columns are not shown; they say
    where a row stands.
    """

    def __init__(self, *, most: int, max_bytes: int, marks: int, zone: ZoneInfo, booleans: Sequence[str] = ()) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._left = max_bytes - _ENVELOPE
        self._marks = marks
        self._zone = zone
        self._booleans = booleans
        self._last: Sequence[Any] = ()
        self.rows: list[dict[str, Any]] = []
        self.truncated = False

    def add(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> bool:
        """Take more rows, their values in the order of *names*; return whether more are wanted.

        Raises `FileTooLarge` for a single row that is too large, and `ValueUnfit`.
        """
        shown = len(names) - self._marks
        for row in values:
            cells = list(row)
            members = {name: spoken(cell, self._zone) for name, cell in zip(names[:shown], cells, strict=False)}
            self._left -= sum(len(name) + 4 + weight(value) for name, value in members.items())
            if len(self.rows) >= self._most or (self._left < 0 and self.rows):
                self.truncated = True
                return False
            if self._left < 0:
                raise FileTooLarge(f"a single row is larger than {self._max_bytes} bytes", limit=self._max_bytes)
            for name in self._booleans:
                if isinstance(members.get(name), int):
                    members[name] = bool(members[name])
            self.rows.append(members)
            self._last = cells[shown:]
        return True

    def next(self, seal: str) -> str | None:
        """Return the cursor for the page after this one, which holds for the same *seal* alone."""
        if not self.truncated or not self._marks:
            return None
        return base64.urlsafe_b64encode(orjson.dumps([seal, *map(str, self._last)])).decode().rstrip("=")


def seal_of(statement: str, values: Mapping[str, Any]) -> str:
    """Return what a cursor is bound to: the *statement* and the *values* of its filters.

    Raises `ArgumentUnfit` for values that no engine takes.
    """
    try:
        text = orjson.dumps([statement, values], option=orjson.OPT_SORT_KEYS)
    except TypeError:  # no text in any encoding, or a number beyond 64 bits
        raise ArgumentUnfit("an argument is no value that can be sent") from None
    return sha256(text).hexdigest()[:16]


def marks_of(cursor: str | None, count: int, seal: str) -> list[str | None]:
    """Return the *count* marks of a *cursor*, None for each where there is none. Raises `ArgumentUnfit`."""
    if cursor is None:
        return [None] * count
    try:
        bound, *marks = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        bound, marks = "", []
    if bound != seal or len(marks) != count or not all(isinstance(mark, str) for mark in marks):
        raise ArgumentUnfit("`after` is no `next` of this operation with these filters; begin again without it")
    return list(marks)


def spoken(value: Any, zone: ZoneInfo) -> Any:
    """Return *value* as JSON has it; moments without a zone are taken for those of *zone*. Raises `ValueUnfit`."""
    if isinstance(value, datetime):
        return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): spoken(one, zone) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [spoken(one, zone) for one in value]
    said = plain(value)
    if isinstance(said, int) and said not in _INTEGERS:
        raise ValueUnfit("a number is larger than JSON's readers take; cast it to a text")
    return said


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    whole = abs(value)
    seconds, micros = whole.seconds, whole.microseconds
    rest = f"{seconds}.{micros:06d}".rstrip("0") if micros else str(seconds)
    return f"{sign}P{whole.days}DT{rest}S"
