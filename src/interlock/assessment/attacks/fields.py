"""Where an operation's answers have room for outsiders' text, and what else they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.assessment.attacks.filling import branch, closed, type_of
from interlock.assessment.attacks.hostile import Field
from interlock.governance.labels import FieldLabels
from interlock.values.labels import Integrity
from interlock.values.operations import Operation

MOST = 3
"""How many fields of one operation hostile text is tried in."""
_DEEPEST = 6
_WORDS = (
    "body",
    "text",
    "content",
    "message",
    "description",
    "comment",
    "note",
    "reason",
    "subject",
    "title",
    "summary",
)


def untrusted_fields(operation: Operation) -> list[Field]:
    """Return the fields of an operation's answers that outsiders can write text into, the roomiest first."""
    labels = FieldLabels(operation)
    found = [
        Field(path, int(schema.get("maxLength", 0)))
        for path, schema in _texts(operation.output_schema)
        if labels.integrity(path) is Integrity.untrusted
    ]
    return sorted(found, key=lambda field: (field.most and field.most < 200, _rank(field.path)))[:MOST]


def _rank(path: Sequence[str]) -> tuple[int, int]:
    name = path[-1].lower() if path else ""
    worded = next((number for number, word in enumerate(_WORDS) if word in name), len(_WORDS))
    return worded, len(path)


def _texts(schema: Mapping[str, Any] | None) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield every place that holds free text; an operation that promises nothing answers with one text."""
    if schema is None:
        yield ("text",), {}
        return
    for path, joined in singles_of(schema):
        if free_text(joined):
            yield path, joined


def free_text(schema: Mapping[str, Any]) -> bool:
    """Return whether a joined *schema* lets any words be written: text of no list, form or pattern."""
    plain = type_of(schema) == "string" and "format" not in schema and "pattern" not in schema
    return plain and not closed(schema)


def singles_of(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield every place that holds a single value, or one of which *schema* says no more, with its joined schema."""
    yield from _walk(schema, schema, ())


def _walk(
    schema: Any, root: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    joined = branch(schema, root)
    kind = type_of(joined)
    if len(path) > _DEEPEST:
        return
    if kind == "object" and joined.get("properties") and not closed(joined):
        for name, member in joined["properties"].items():
            yield from _walk(member, root, (*path, name))
    elif kind == "array" and not closed(joined):
        yield from _walk(joined.get("items", {}), root, (*path, "*"))
    else:
        yield path, joined


def schema_at(schema: Mapping[str, Any] | None, path: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the schema of the field at *path* (`*` is any member); None where there is no such field.

    Where an answer's shape is not closed, any field may be there, and the empty schema stands for it.
    """
    if schema is None:
        return {}
    joined = branch(schema, schema)
    for step in path:
        kind = type_of(joined)
        if kind == "array":
            if step != "*" and not step.isdigit():
                return None
            joined = branch(joined.get("items", {}), schema)
            continue
        known = joined.get("properties", {})
        if step in known:
            joined = branch(known[step], schema)
        elif kind not in ("object", "") or known or joined.get("additionalProperties") is False:
            return None
        else:
            return {}
    return joined


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every single value of an answer with its place."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from leaves(member, (*path, index))
    elif value is not None and not isinstance(value, bool):
        yield path, value
