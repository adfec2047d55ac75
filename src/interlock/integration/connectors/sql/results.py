"""Rows of a result as JSON values, counted and weighed while they are read."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed

NUMBER_SIZE = 8


class TooMuch(Exception):
    """A result is larger than allowed; `answer` says so."""

    def __init__(self, code: str, detail: str, limit: int) -> None:
        super().__init__(detail)
        self.answer = failed(code, detail, limit=limit)


class Rows:
    """Gathers rows under a limit of rows and of bytes; `add` raises `TooMuch`."""

    def __init__(self, *, most: int, max_bytes: int, booleans: Sequence[str] = ()) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._booleans = frozenset(booleans)
        self.rows: list[dict[str, Any]] = []

    def add(self, names: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
        """Take more rows, their values in the order of *names*."""
        for row in values:
            if len(self.rows) >= self._most:
                raise TooMuch("too_many_rows", f"the result has more than {self._most} rows", self._most)
            members = dict(zip(names, map(plain, row), strict=True))
            self._left -= sum(map(weight, members.values()))
            if self._left < 0:
                raise TooMuch("response_too_large", f"it is larger than {self._max_bytes} bytes", self._max_bytes)
            for name in self._booleans & members.keys():
                members[name] = _boolean(members[name])
            self.rows.append(members)


def plain(value: Any) -> Any:
    """Return a database's value as JSON has it: decimals as numbers, bytes as base 64, dates as ISO texts."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _boolean(value: Any) -> Any:
    return bool(value) if isinstance(value, int) and value in {0, 1} else value


def _number(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    exact = int(value) if value == value.to_integral_value() else float(value)
    return float(value) if isinstance(exact, int) and value.as_tuple().exponent != 0 else exact


def weight(value: Any) -> int:
    """Return about how many bytes a plain *value* is."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, (list, dict)):
        members = value.values() if isinstance(value, dict) else value
        return NUMBER_SIZE + sum(map(weight, members))
    return NUMBER_SIZE


def returned(rows: list[dict[str, Any]], form: str) -> Answer:
    """Return rows in the form that the operation declares: `one` or `many`."""
    if form == "many":
        return Answer(SUCCEEDED, rows)
    if not rows:
        return failed("not_found", "no row fits")
    return Answer(SUCCEEDED, rows[0])


def unexpected(affected: int, expected: int) -> Answer:
    """Return the answer for a write that touched another number of rows than declared, and was rolled back."""
    detail = f"it would have changed {affected} rows where {expected} are declared; nothing was changed"
    return failed("unexpected_rows", detail, affected=affected, expected=expected)
