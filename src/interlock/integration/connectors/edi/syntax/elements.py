"""Types of elements: texts, numbers, dates and times, read exactly or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.integration.connectors.edi.syntax.segments import SegmentUnfit

_DIGITS = 15
_NUMBER = re.compile(r"-?[0-9]*\.?[0-9]*")


class Unread(ValueError):
    """An element is not of its type; the text says why, without repeating it."""


@dataclass(frozen=True, slots=True)
class ElementType:
    """One type. *read* is given the element and the interchange's decimal sign; *write* gives the element's text.

    Its `repr` is the same in every process: mappings are told from one another by it.
    """

    name: str
    schema: Mapping[str, Any]
    read: Callable[[str, str], Any] = field(repr=False)
    write: Callable[[Any], str] = field(repr=False)


def _text(text: str, _: str) -> str:
    return text


def _written_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SegmentUnfit("must be a text that is not empty")
    return value


def _decimal(text: str, sign: str) -> Decimal:
    plain = text.replace(sign, ".") if sign != "." else text
    if not _NUMBER.fullmatch(plain) or len(plain) > 40:
        raise Unread("is no number")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise Unread("is no number") from None
    if len(number.as_tuple().digits) > _DIGITS:
        raise Unread(f"has more than {_DIGITS} digits")
    return number


def _number(text: str, sign: str) -> float | int:
    number = _decimal(text, sign)
    return int(number) if number == number.to_integral_value() else float(number)  # at most 15 digits: exact


def _integer(text: str, sign: str) -> int:
    number = _decimal(text, sign)
    if number != number.to_integral_value():
        raise Unread("is no whole number")
    return int(number)


def _cents(text: str, _: str) -> float | int:
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise Unread("is no number with two implied places")
    number = Decimal(text).scaleb(-2)
    return int(number) if number == number.to_integral_value() else float(number)


def _exact(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SegmentUnfit("must be a number")
    number = Decimal(repr(value))
    if (
        not number.is_finite()
        or len(number.normalize().as_tuple().digits) > _DIGITS
        or abs(number.adjusted()) > _DIGITS
    ):
        raise SegmentUnfit(f"must be a number of at most {_DIGITS} digits")
    return number


def _written_number(value: Any) -> str:
    number = _exact(value)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _written_integer(value: Any) -> str:
    number = _exact(value)
    if number != number.to_integral_value():
        raise SegmentUnfit("must be a whole number")
    return f"{int(number)}"


def _written_cents(value: Any) -> str:
    number = _exact(value).scaleb(2)
    if number != number.to_integral_value():
        raise SegmentUnfit("has more than two places after the point")
    return f"{int(number)}"


def _date(text: str, _: str) -> str:
    for form in ("%Y%m%d",) if len(text) == 8 else ("%y%m%d",) if len(text) == 6 else ():
        try:
            if text.isascii() and text.isdecimal():
                return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            break
    raise Unread("is no date")


def _written_date(value: Any) -> str:
    try:
        return f"{date.fromisoformat(value):%Y%m%d}"
    except (TypeError, ValueError):
        raise SegmentUnfit("must be a date such as 2024-02-29") from None


def _time(text: str, _: str) -> str:
    try:
        if len(text) in {4, 6} and text.isascii() and text.isdecimal():
            return time(int(text[:2]), int(text[2:4]), int(text[4:] or 0)).isoformat()
    except ValueError:
        pass
    raise Unread("is no time")


def _written_time(value: Any) -> str:
    try:
        moment = time.fromisoformat(value)
    except (TypeError, ValueError):
        raise SegmentUnfit("must be a time such as 14:30:00") from None
    return f"{moment:%H%M%S}" if moment.second else f"{moment:%H%M}"


TYPES = {
    kind.name: kind
    for kind in (
        ElementType("text", {"type": "string", "minLength": 1, "maxLength": 4000}, _text, _written_text),
        ElementType("number", {"type": "number"}, _number, _written_number),
        ElementType("integer", {"type": "integer"}, _integer, _written_integer),
        ElementType("cents", {"type": "number"}, _cents, _written_cents),
        ElementType("date", {"type": "string", "format": "date"}, _date, _written_date),
        ElementType("time", {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"}, _time, _written_time),
    )
}
"""The types by the words that mappings use."""
