"""Conditions of policies in plain words: `input.amount is at most 50.00`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from interlock.governance.policy.paths import Node

_BINARY = {
    "==": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least",
    "in": "is in", "contains": "contains", "containsAll": "contains all of", "containsAny": "contains any of",
    "&&": "and", "||": "or", "+": "plus", "-": "minus", "*": "times", "hasTag": "has the tag", "getTag": "'s tag",
}  # fmt: skip
_METHODS = {
    "lessThan": "is less than",
    "lessThanOrEqual": "is at most",
    "greaterThan": "is more than",
    "greaterThanOrEqual": "is at least",
}
_LITERALS = frozenset({"decimal", "datetime", "duration", "ip"})


def conjuncts(condition: Mapping[str, Any]) -> list[Node]:
    """Return the parts of a `when` or `unless` clause that must all hold for the policy to apply."""
    if condition["kind"] == "unless":
        return [{"!": {"arg": condition["body"]}}]
    return _parts(condition["body"])


def _parts(node: Node) -> list[Node]:
    if "&&" in node:
        return [*_parts(node["&&"]["left"]), *_parts(node["&&"]["right"])]
    return [node]


def claim(node: Node) -> str:
    """Return an expression that is true or false as a statement."""
    if "!" in node:
        inner = node["!"]["arg"]
        if "has" in inner:
            return f"{_term(inner['has']['left'])} has no {inner['has']['attr']}"
        return f"{_term(inner)} is false" if _is_look(inner) else f"not ({claim(inner)})"
    if _is_look(node):
        return f"{_term(node)} is true"
    return _phrase(node)


def _is_look(node: Node) -> bool:
    return "." in node or "Var" in node


def _term(node: Node) -> str:
    """Return an expression as a part of a sentence, in brackets where it has parts of its own."""
    text = _phrase(node)
    return f"({text})" if next(iter(node)) in _BINARY else text


def _phrase(node: Node) -> str:
    key, value = next(iter(node.items()))
    if key == "Value":
        return _literal(value)
    if key == "Var":
        return str(value)
    if key == "Set":
        return "[" + ", ".join(_phrase(member) for member in value) + "]"
    if key == "Record":
        return "{" + ", ".join(f"{name}: {_phrase(part)}" for name, part in value.items()) + "}"
    if key in {"&&", "||"}:
        return f"{_clause(value['left'])} {_BINARY[key]} {_clause(value['right'])}"
    if key in _BINARY:
        return f"{_term(value['left'])} {_BINARY[key]} {_term(value['right'])}"
    if isinstance(value, list):
        return _call(key, value)
    return _unary(key, value)


def _clause(node: Node) -> str:
    text = claim(node)
    return f"({text})" if "&&" in node or "||" in node else text


def _unary(key: str, value: Mapping[str, Any]) -> str:
    if key == ".":
        place = _term(value["left"])
        return str(value["attr"]) if place == "context" else f"{place}.{value['attr']}"
    if key == "has":
        return f"{_term(value['left'])} has {value['attr']}"
    if key == "like":
        pattern = "".join("*" if part == "Wildcard" else part["Literal"] for part in value["pattern"])
        return f'{_term(value["left"])} is like "{pattern}"'
    if key == "is":
        place = f" in {_phrase(value['in'])}" if "in" in value else ""
        return f"{_term(value['left'])} is of type {value['entity_type']}{place}"
    if key == "if-then-else":
        condition, yes, no = (claim(value[part]) for part in ("if", "then", "else"))
        return f"(if {condition} then {yes} else {no})"
    if key == "isEmpty":
        return f"{_term(value['arg'])} is empty"
    if key == "neg":
        return f"-{_term(value['arg'])}"
    if key == "!":
        return claim({"!": value})
    return key


def _call(name: str, arguments: list[Node]) -> str:
    if name in _LITERALS:
        return str(arguments[0].get("Value", _phrase(arguments[0])))
    first, *rest = (_term(argument) for argument in arguments)
    if name in _METHODS:
        return f"{first} {_METHODS[name]} {rest[0]}"
    return f"{first}.{name}({', '.join(rest)})"


def _literal(value: Any) -> str:
    if isinstance(value, Mapping) and "__entity" in value:
        return f"{value['__entity']['type']} {value['__entity']['id']}"
    return json.dumps(value, ensure_ascii=False)


def scope(part: Mapping[str, Any]) -> str:
    """Return the principal part of a policy's head in words; empty if it admits everybody."""
    words = str(part["entity_type"]) if part["op"] == "is" else ""
    uid = part.get("entity") or (part.get("in") or {}).get("entity")
    if uid is None:
        return words
    named = f"{uid['type']} {uid['id']}"
    return f"{words} in {named}".strip() if part["op"] != "==" else named
