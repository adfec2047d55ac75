"""What the conditions of policies look at: attribute paths and entities, found in Cedar's JSON policy format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Node = Mapping[str, Any]
Wanted = dict[str, Any]
"""A tree of attribute names; the key `WHOLE` in it stands for everything below."""

WHOLE = "*"


class Look(NamedTuple):
    """One look at an attribute: `context.input.amount`; *presence* if only its being there is asked for."""

    root: str
    path: tuple[str, ...]
    presence: bool = False

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


def looks(node: Node) -> Iterator[Look]:
    """Yield every look at a variable in an expression, the longest path of each."""
    found = _chain(node)
    if found is not None:
        yield found
        return
    for child in children(node):
        yield from looks(child)


def _chain(node: Node) -> Look | None:
    if "Var" in node:
        return Look(node["Var"], ())
    for key in (".", "has"):
        if key in node:
            inner = _chain(node[key]["left"])
            if inner is not None and not inner.presence:
                return Look(inner.root, (*inner.path, node[key]["attr"]), key == "has")
    return None


def children(node: Node) -> Iterator[Node]:
    """Yield the expressions directly inside an expression."""
    for key, value in node.items():
        if key in {"Value", "Var", "Slot"}:
            continue
        if key == "Record":
            yield from value.values()
        elif isinstance(value, list):
            yield from value
        else:
            yield from (part for part in value.values() if isinstance(part, Mapping))


def entities(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the type and id of every entity that an expression names."""
    value = node.get("Value")
    if isinstance(value, Mapping) and "__entity" in value:
        yield value["__entity"]["type"], value["__entity"]["id"]
    for child in children(node):
        yield from entities(child)


def asked_types(node: Node) -> Iterator[str]:
    """Yield every entity type that an expression asks for with `is`."""
    if "is" in node:
        yield node["is"]["entity_type"]
    for child in children(node):
        yield from asked_types(child)


def compared_texts(node: Node) -> Iterator[tuple[Look, str]]:
    """Yield each attribute with each text it is compared with (`==`, `!=`, `contains` and its kin)."""
    for operator in ("==", "!=", "contains", "containsAny", "containsAll"):
        if operator in node:
            left, right = node[operator]["left"], node[operator]["right"]
            for side, other in ((left, right), (right, left)):
                look = _chain(side)
                if look is not None:
                    yield from ((look, text) for text in _texts(other))
    for child in children(node):
        yield from compared_texts(child)


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.get("Value"), str):
        yield node["Value"]
    for member in node.get("Set", ()):
        yield from _texts(member)


def wanted(expressions: Iterable[Node]) -> Wanted:
    """Return the tree of all that *expressions* look at in `context`."""
    tree: Wanted = {}
    for expression in expressions:
        for look in looks(expression):
            if look.root != "context":
                continue
            branch = tree
            for name in look.path:
                branch = branch.setdefault(name, {})
            if not look.presence:
                branch[WHOLE] = {}
    return tree
