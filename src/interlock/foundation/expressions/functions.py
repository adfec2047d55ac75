"""The functions that expressions have beyond CEL's own, and those of CEL's made to return doubles."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

FUNCTIONS: dict[str, str] = {
    "sum": "sum(list): the sum of a list of numbers, exact in decimal; 0 for an empty list",
    "min": "min(list) or min(a, b, ...): the smallest number or text; a list must not be empty",
    "max": "max(list) or max(a, b, ...): the largest number or text; a list must not be empty",
    "round": "round(x, n): x rounded to n decimal places, halves away from zero; round(x) to a whole number",
    "mod": "mod(a, b): the remainder of a divided by b, with the sign of b",
    "days_between": "days_between(a, b): whole days from date or time a to b, negative if b is earlier",
    "lower": "lower(text): the text in lower case",
    "digits": "digits(text): only the digits of the text",
}
"""Every function of Interlock's own, with its contract; CEL's standard functions come on top."""

STANDARD = frozenset(
    "all bytes contains double duration dyn endsWith exists exists_one filter getDate getDayOfMonth"
    " getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds has int"
    " map matches size startsWith string timestamp type uint".split()
)
"""The functions and macros of the CEL specification that the engine has."""


def _numbers(values: Any) -> list[int | float]:
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise TypeError("a list of numbers is wanted")
    return values


def _sum(values: Any) -> float:
    return float(sum((Decimal(repr(value)) for value in _numbers(values)), Decimal(0)))


def _comparable(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _min(*values: Any) -> Any:
    return min(_comparable(values))


def _max(*values: Any) -> Any:
    return max(_comparable(values))


def _round(value: Any, places: Any = 0) -> float:
    step = Decimal(1).scaleb(-int(places))
    return float(Decimal(repr(value)).quantize(step, rounding="ROUND_HALF_UP"))


def _mod(dividend: Any, divisor: Any) -> float:
    return float(dividend % divisor)


def moment(value: Any) -> datetime:
    """Return *value*, a date, a time or either's ISO 8601 text, as a time; UTC where it names no zone."""
    when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _days_between(start: Any, end: Any) -> float:
    return float(math.trunc((moment(end) - moment(start)) / timedelta(days=1)))


def _lower(text: Any) -> str:
    return str.lower(text)


def _digits(text: Any) -> str:
    return "".join(character for character in str.strip(text) if character in "0123456789")


def _int(value: Any) -> float:
    if isinstance(value, datetime):
        return float(math.trunc(value.timestamp()))
    return float(int(value))


def _index(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


OWN: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "min": _min,
    "max": _max,
    "round": _round,
    "mod": _mod,
    "days_between": _days_between,
    "lower": _lower,
    "digits": _digits,
}

INDEX = "index__"
"""The name of the function that turns an index back into an integer."""

DOUBLED: dict[str, Callable[..., Any]] = {
    "size": lambda value: float(len(value)),
    "int": _int,
    "getDate": lambda when: float(when.day),
    "getDayOfMonth": lambda when: float(when.day - 1),
    "getDayOfWeek": lambda when: float(when.isoweekday() % 7),
    "getDayOfYear": lambda when: float(when.timetuple().tm_yday - 1),
    "getFullYear": lambda when: float(when.year),
    "getHours": lambda when: float(when.hour),
    "getMilliseconds": lambda when: float(when.microsecond // 1000),
    "getMinutes": lambda when: float(when.minute),
    "getMonth": lambda when: float(when.month - 1),
    "getSeconds": lambda when: float(when.second),
}
"""CEL's functions that return an integer, each with a stand-in that returns a double."""

REGISTERED: dict[str, Callable[..., Any]] = {
    **OWN,
    INDEX: _index,
    **{f"{name}__": function for name, function in DOUBLED.items()},
}
"""What the engine is given, by the name that it sees."""
