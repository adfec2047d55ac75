"""Columns: what a cell may hold, how it is read, and how a value is written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

TYPES = ("string", "integer", "number", "decimal", "boolean", "date", "datetime")
MOST_INTEGER = (1 << 53) - 1
MOST_DIGITS = 15
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?")
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?$"
_SCHEMAS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "minimum": -MOST_INTEGER, "maximum": MOST_INTEGER},
    "number": {"type": "number"},
    "decimal": {"type": "string", "pattern": "^-?[0-9]{1,38}([.][0-9]{1,38})?$", "description": "a decimal number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "pattern": _DAY, "description": "YYYY-MM-DD"},
    "datetime": {"type": "string", "pattern": _MOMENT, "description": "YYYY-MM-DDTHH:MM:SS, with an offset or without"},
}


class CellUnfit(Exception):
    """A cell does not hold what its column is declared to hold; the message completes `column x ...`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """How texts stand for values: the *decimal* sign, and the signs between thousands (none by default)."""

    decimal: str = "."
    thousands: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. *heading* is what the file calls it, *pattern* the strptime form of its dates (empty: ISO 8601)."""

    name: str
    type: str
    optional: bool = False
    heading: str = ""
    pattern: str = ""

    @property
    def label(self) -> str:
        """What the file calls it."""
        return self.heading or self.name

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its values, without null."""
        return dict(_SCHEMAS[self.type])

    @property
    def output(self) -> dict[str, Any]:
        """The JSON Schema of its values as they are read."""
        schema = self.schema
        return {**schema, "type": [schema["type"], "null"]} if self.optional else schema

    def equal(self, value: Any) -> Any:
        """Return what two *values* of the column share where they mean the same."""
        return Decimal(value) if self.type == "decimal" and value is not None else value

    def read(self, raw: Any, texts: Texts | None) -> Any:
        """Return the JSON value of a cell, None for an empty one. *texts* is None where cells have types of their own.

        Raises `CellUnfit`; the cell's content is never in it.
        """
        if raw is None or (raw == "" and texts is not None):
            if not self.optional:
                raise CellUnfit("is empty")
            return None
        if isinstance(raw, str) and "\0" in raw:
            raise CellUnfit("holds a NUL")
        return _READERS[self.type](self, raw, texts)

    def text(self, value: Any, texts: Texts) -> str:
        """Return *value*, which fits the schema, as a text. Raises `CellUnfit`."""
        if value is None:
            return ""
        if self.type in {"integer", "number", "decimal"}:
            return _plain(value).replace(".", texts.decimal)
        if self.type == "boolean":
            return "true" if value else "false"
        if self.type in {"date", "datetime"}:
            moment = self.native(value)
            return moment.strftime(self.pattern) if self.pattern else str(value)
        return str(value)

    def native(self, value: Any) -> Any:
        """Return *value* as Python has it, for formats with types. Raises `CellUnfit`."""
        try:
            if value is None:
                return None
            if self.type == "decimal":
                return Decimal(value)
            if self.type == "date":
                return date.fromisoformat(value)
            if self.type == "datetime":
                return datetime.fromisoformat(value)
        except ValueError:
            raise CellUnfit(f"is no {self.type} of the calendar") from None
        return value


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value)


def _number_text(raw: str, texts: Texts) -> str:
    if texts.thousands:
        whole, sign, part = raw.partition(texts.decimal)
        groups = whole.lstrip("+-").split(texts.thousands)
        if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
            return ""
        raw = whole.replace(texts.thousands, "") + sign + part
    if texts.decimal != ".":
        if "." in raw:
            return ""
        raw = raw.replace(texts.decimal, ".")
    return raw


def _string(_: Column, raw: Any, __: Texts | None) -> str:
    if not isinstance(raw, str):
        raise CellUnfit("is no text")
    return raw


def _integer(_: Column, raw: Any, texts: Texts | None) -> int:
    if isinstance(raw, str) and texts is not None:
        written = _number_text(raw, texts)
        raw = int(written) if _INTEGER.fullmatch(written) else None
    elif isinstance(raw, float | Decimal) and math.isfinite(raw) and raw == int(raw):
        raw = int(raw)  # spreadsheets keep whole numbers as floating ones
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise CellUnfit("is no whole number")
    if abs(raw) > MOST_INTEGER:
        raise CellUnfit("is a larger number than every program keeps; declare it decimal")
    return raw


def _exact(raw: Any, texts: Texts | None) -> Decimal:
    if isinstance(raw, str) and texts is not None:
        written = _number_text(raw, texts)
        raw = Decimal(written) if _DECIMAL.fullmatch(written) else None
    elif isinstance(raw, float):
        raw = Decimal(repr(raw)) if math.isfinite(raw) else None
    elif isinstance(raw, int) and not isinstance(raw, bool):
        raw = Decimal(raw)
    if not isinstance(raw, Decimal) or not raw.is_finite() or abs(raw.adjusted()) > 76:
        raise CellUnfit("is no number")
    return raw


def _number(_: Column, raw: Any, texts: Texts | None) -> float | int:
    exact = _exact(raw, texts)
    if not isinstance(raw, float) and len(exact.normalize().as_tuple().digits) > MOST_DIGITS:
        raise CellUnfit(f"has more than the {MOST_DIGITS} digits that a number keeps; declare it decimal")
    return int(exact) if exact == exact.to_integral_value() and abs(exact) <= MOST_INTEGER else float(exact)


def _decimal(_: Column, raw: Any, texts: Texts | None) -> str:
    try:
        written = format(_exact(raw, texts or Texts()), "f")  # JSON keeps one exactly as a text
    except InvalidOperation:
        raise CellUnfit("is no number") from None
    if not _DECIMAL.fullmatch(written):
        raise CellUnfit("has more digits than a decimal keeps")
    return written.removeprefix("+")


def _boolean(_: Column, raw: Any, texts: Texts | None) -> bool:
    if isinstance(raw, str) and texts is not None:
        raw = {"true": True, "false": False}.get(raw.lower())
    if not isinstance(raw, bool):
        raise CellUnfit("is neither true nor false")
    return raw


def _date(column: Column, raw: Any, _: Texts | None) -> str:
    if isinstance(raw, datetime):
        raw = raw.date() if raw.time() == time() and raw.tzinfo is None else None
    elif isinstance(raw, str):
        moment = _moment(column, raw)
        raw = moment.date() if moment is not None and (column.pattern or re.fullmatch(_DAY, raw)) else None
    if not isinstance(raw, date):
        raise CellUnfit("is no date" + (f" of the form {column.pattern}" if column.pattern else ", as YYYY-MM-DD"))
    return raw.isoformat()


def _datetime(column: Column, raw: Any, _: Texts | None) -> str:
    if isinstance(raw, str):
        raw = _moment(column, raw) if column.pattern or re.fullmatch(_MOMENT, raw.replace(" ", "T", 1)) else None
    if not isinstance(raw, datetime):
        raise CellUnfit("is no date with a time" + (f" of the form {column.pattern}" if column.pattern else ""))
    return raw.isoformat()


def _moment(column: Column, raw: str) -> datetime | None:
    try:
        return datetime.strptime(raw, column.pattern) if column.pattern else datetime.fromisoformat(raw)  # noqa: DTZ007 - the file says which zone, or none
    except ValueError:
        return None


_READERS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}


def columns_of(written: Mapping[str, Any]) -> dict[str, Column]:
    """Return the columns that a declaration, which fits the plug-in's schema, holds."""
    made: dict[str, Column] = {}
    for name, value in written.items():
        long = value if isinstance(value, Mapping) else {"type": value}
        kind = str(long["type"])
        made[name] = Column(
            name, kind.removesuffix("?"), kind.endswith("?"), long.get("heading", ""), long.get("pattern", "")
        )
    return made
