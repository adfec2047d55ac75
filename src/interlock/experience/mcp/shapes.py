"""Operations' schemas as tools show them: what a tool takes, and what it answers when it ran and when it did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RESULT = "result"
_DEFINITIONS = ("$defs", "definitions")
_INHERITED = tuple(f"#/{name}/" for name in _DEFINITIONS)

_REASONS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["rule", "text"],
        "properties": {"rule": {"type": "string"}, "text": {"type": "string"}},
    },
}
STANDING: dict[str, Any] = {
    "type": "object",
    "description": "Where an action stands that has no output (yet): it waits, was drafted, refused or failed.",
    "required": ["action", "state", "reasons"],
    "properties": {
        "action": {"type": "string", "pattern": "^act_"},
        "operation": {"type": "string"},
        "state": {
            "enum": "waiting denied drafted shadowed cancelled executing succeeded failed in_doubt compensated".split()
        },
        "reasons": _REASONS,
        "waiting_for": {"type": "array", "items": {"type": "string"}},
        "consent": {"type": "string"},
        "output": {},
        "problem": {"type": "object"},
        "execute": {"type": "object"},
    },
}


def wrapped(schema: Mapping[str, Any] | None) -> bool:
    """Return whether an output of this schema is shown as `{"result": ...}`: it need not be an object."""
    return schema is not None and schema.get("type") != "object"


def input_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tool takes. Annotations that would ask clients to send arguments in headers are left out."""
    plain = _without_headers(schema)
    assert isinstance(plain, dict)
    return {**plain, "type": "object"}


def output_schema(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a tool answers: the operation's output, or where the action stands.

    None where there is nothing to promise, or where the schema's references would lead elsewhere once it is nested.
    """
    if schema is None or not _nests(schema):
        return None
    inner = {key: value for key, value in schema.items() if key not in ("$schema", *_DEFINITIONS)}
    if wrapped(schema):
        inner = {"type": "object", "required": [RESULT], "properties": {RESULT: inner}}
    shown: dict[str, Any] = {"type": "object", "anyOf": [inner, STANDING]}
    shown.update({name: schema[name] for name in _DEFINITIONS if name in schema})
    return shown


def _nests(schema: Mapping[str, Any]) -> bool:
    """Whether every reference is into the definitions, which stay at the root, and no part renames the root."""
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        return False
    return all(
        not isinstance(part.get("$id"), str)
        and not isinstance(part.get("$dynamicRef"), str)
        and str(part.get("$ref", _INHERITED[0])).startswith(_INHERITED)
        for part in _parts(schema)
    )


def _parts(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parts(value)


def _without_headers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            key: _without_headers(value)
            for key, value in node.items()
            if not (key == "x-mcp-header" and isinstance(value, str))
        }
    return [_without_headers(value) for value in node] if isinstance(node, list) else node
