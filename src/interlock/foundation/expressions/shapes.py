"""What JSON Schema the result of an expression has, as far as its text and its variables' schemas tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.foundation.expressions.tokens import Token, closing, split, tokenize

Shape = Mapping[str, Any]

_BOOLEAN: Shape = {"type": "boolean"}
_NUMBER: Shape = {"type": "number"}
_INTEGER: Shape = {"type": "integer"}
_STRING: Shape = {"type": "string"}
_RESULTS: dict[str, Shape] = {
    **dict.fromkeys(("has", "all", "exists", "exists_one", "startsWith", "endsWith", "contains", "matches"), _BOOLEAN),
    **dict.fromkeys(("size", "int", "uint", "days_between"), _INTEGER),
    **dict.fromkeys(("double", "round", "mod"), _NUMBER),
    **dict.fromkeys(("string", "lower", "digits"), _STRING),
}
_TRUTHS = ("||", "&&", "==", "!=", "<=", ">=", "<", ">")


def result_schema(text: str, variables: Mapping[str, Shape]) -> Shape | None:
    """Return the JSON Schema of what the expression *text* gives, or None where that cannot be told.

    *variables* maps each variable to its schema (`properties`, `items`; references resolved). Arithmetic is
    `number` unless the schemas say that every part is an integer.
    """
    return _shape(tokenize(text), variables)


def _shape(tokens: Sequence[Token], variables: Mapping[str, Shape]) -> Shape | None:
    while tokens and tokens[0].text == "(" and closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    if not tokens:
        return None
    condition = split(tokens, "?")
    if len(condition) > 1:
        branches = [_shape(part, variables) for part in split(tokens[len(condition[0]) + 1 :], ":")]
        return _joined(branches)
    if tokens[0].text == "!" or any(len(split(tokens, sign)) > 1 for sign in _TRUTHS):
        return _BOOLEAN
    if any(token.text == "in" and token.kind == "name" for token in _outer(tokens)):
        return _BOOLEAN
    for sign in ("+", "-", "*", "/"):
        parts = split(tokens, sign)
        if len(parts) > 1:
            return _arithmetic(sign, [_shape(part, variables) for part in parts if part])
    return _value(tokens, variables)


def _outer(tokens: Sequence[Token]) -> list[Token]:
    found = []
    index = 0
    while index < len(tokens):
        if tokens[index].kind == "sign" and tokens[index].text in "([{":
            index = closing(tokens, index)
        else:
            found.append(tokens[index])
        index += 1
    return found


def _joined(shapes: Sequence[Shape | None]) -> Shape | None:
    kinds = {shape.get("type") if shape else None for shape in shapes}
    if len(kinds) == 1:
        return shapes[0]
    return _NUMBER if kinds == {"integer", "number"} else None


def _arithmetic(sign: str, shapes: Sequence[Shape | None]) -> Shape | None:
    joined = _joined(shapes)
    kind = joined.get("type") if joined else None
    if kind == "string" and sign == "+":
        return _STRING
    if kind == "array" and sign == "+":
        return joined
    if kind == "integer" and sign != "/":
        return _INTEGER
    return _NUMBER if kind in {"integer", "number"} else None


def _value(tokens: Sequence[Token], variables: Mapping[str, Shape]) -> Shape | None:
    """Return the shape of a look-up, a literal or a chain of calls such as `order.lines.map(l, l.total)`."""
    first = tokens[0]
    if first.kind != "name":
        kinds = {"int": _INTEGER, "uint": _INTEGER, "float": _NUMBER, "string": _STRING}
        shape = kinds.get(first.kind) if len(tokens) == 1 else None
        if first.text == "[" and closing(tokens, 0) == len(tokens) - 1:
            items = _joined([_shape(part, variables) for part in split(tokens[1:-1], ",")])
            return {"type": "array", "items": items} if items else None
        return shape
    if first.text in {"true", "false"}:
        return _BOOLEAN if len(tokens) == 1 else None
    index = 1
    current: Shape | None = variables.get(first.text)
    if len(tokens) > 1 and tokens[1].text == "(":
        index = closing(tokens, 1) + 1
        current = _called(first.text, split(tokens[2 : index - 1], ","), None, variables)
    while index < len(tokens) and current is not None:
        if tokens[index].text == "[":
            current = current.get("items")
            index = closing(tokens, index) + 1
            continue
        if index + 1 >= len(tokens):
            return None
        name = tokens[index + 1].text
        index += 2
        if index < len(tokens) and tokens[index].text == "(":
            end = closing(tokens, index)
            current = _called(name, split(tokens[index + 1 : end], ","), current, variables)
            index = end + 1
        else:
            current = current.get("properties", {}).get(name)
    return current


def _called(
    name: str, arguments: list[Sequence[Token]], receiver: Shape | None, variables: Mapping[str, Shape]
) -> Shape | None:
    if name in _RESULTS:
        return _RESULTS[name]
    if name in {"sum", "min", "max"}:
        shapes = [receiver] if receiver else [_shape(part, variables) for part in arguments]
        shape = _joined([item.get("items", item) if item else None for item in shapes])
        return shape or (_NUMBER if name == "sum" else None)
    if name == "filter":
        return receiver
    if name == "map" and receiver is not None and len(arguments) == 2 and arguments[0]:
        items = _shape(arguments[1], {**variables, arguments[0][0].text: receiver.get("items") or {}})
        return {"type": "array", "items": items} if items else None
    return None
