"""Templates of the rules: texts with CEL expressions in braces, `Order {order.id} of {order.total|money}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from interlock.foundation.expressions import Expression, ExpressionFailed, compile_expression

_HOLE = re.compile(r"\{([^{}|]+)(?:\|([a-z]+))?\}")


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return str(value)


def _money(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, (int, float)) else _plain(value)


def _day(value: Any) -> str:
    return _plain(value)[:10]


FORMATS: dict[str, Callable[[Any], str]] = {"money": _money, "day": _day}
"""What may follow the `|` of a hole."""


class Template:
    """A compiled template. One that is a single hole has that expression's value, of whatever type."""

    __slots__ = ("_formats", "_holes", "_texts", "names")

    def __init__(self, text: str, *, variables: Iterable[str]) -> None:
        """Compile *text*. Raises `ExpressionInvalid`, or `KeyError` for an unknown format."""
        known = frozenset(variables)
        self._texts: list[str] = []
        self._holes: list[Expression] = []
        self._formats: list[Callable[[Any], str]] = []
        end = 0
        for hole in _HOLE.finditer(text):
            self._texts.append(text[end : hole.start()])
            self._holes.append(compile_expression(hole[1], variables=known))
            self._formats.append(FORMATS[hole[2]] if hole[2] else _plain)
            end = hole.end()
        self._texts.append(text[end:])
        self.names = frozenset(name for hole in self._holes for name in hole.names)

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Return the value for an argument; `None` where an expression has none."""
        if len(self._holes) == 1 and self._texts == ["", ""]:
            return _evaluated(self._holes[0], variables)
        return self.text(variables)

    def text(self, variables: Mapping[str, Any]) -> str:
        """Return the text for a person; `-` stands for what is not there."""
        parts = [self._texts[0]]
        for hole, shown, following in zip(self._holes, self._formats, self._texts[1:], strict=True):
            parts += [shown(_evaluated(hole, variables)), following]
        return "".join(parts)


def _evaluated(expression: Expression, variables: Mapping[str, Any]) -> Any:
    try:
        return expression.evaluate(variables)
    except ExpressionFailed:
        return None


def holds(condition: Expression | None, variables: Mapping[str, Any]) -> bool:
    """Return whether *condition* is there and true; one that has no value is not."""
    return condition is None or bool(_evaluated(condition, variables))


def members(expression: Expression, variables: Mapping[str, Any]) -> list[Any]:
    """Return the members of the list that *expression* has; none where it has no list."""
    found = _evaluated(expression, variables)
    return found if isinstance(found, list) else []
