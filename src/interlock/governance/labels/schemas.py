"""What an operation's own input schema names: constants of an enumeration, booleans, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING: Mapping[str, Any] = {}
_NAMING = frozenset({"enum", "const", "default", "anyOf", "oneOf"})
"""The keywords by which a schema can name a value; most schemas have none of them."""


def property_schemas(schema: Any) -> Mapping[str, Any]:
    """Return the schemas of an object schema's properties, with local references followed."""
    if not isinstance(schema, Mapping):
        return _NOTHING
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return _NOTHING
    definitions = schema.get("$defs")
    if not isinstance(definitions, Mapping):
        return properties
    return {name: _followed(part, definitions) for name, part in properties.items()}


def _followed(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        return definitions.get(reference.removeprefix("#/$defs/"), schema)
    return schema


def property_names(schema: Any) -> frozenset[str]:
    """Return every property name that *schema* declares anywhere in it."""
    found: set[str] = set()
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            properties = part.get("properties")
            if isinstance(properties, Mapping):
                found.update(properties)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return frozenset(found)


def member_schema(schema: Any, step: str | int) -> Any:
    """Return the schema of an object's property or a list's members, or `None` where none is declared."""
    if not isinstance(schema, Mapping):
        return None
    if isinstance(step, int):
        return schema.get("items")
    return property_schemas(schema).get(step)


def declares(schema: Any, value: Any) -> bool:
    """Return whether *schema* names *value* itself: an enumeration's member, constant, default or boolean."""
    if not isinstance(schema, Mapping) or (type(value) is not bool and _NAMING.isdisjoint(schema)):
        return False
    if isinstance(value, bool):
        kind = schema.get("type")
        if kind == "boolean" or (isinstance(kind, list) and "boolean" in kind):
            return True
    named = schema.get("enum")
    if isinstance(named, list) and any(_same(member, value) for member in named):
        return True
    if any(word in schema and _same(schema[word], value) for word in ("const", "default")):
        return True
    choices = schema.get("anyOf") or schema.get("oneOf")
    return isinstance(choices, list) and any(declares(choice, value) for choice in choices)


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
