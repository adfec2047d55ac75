"""From a record's layout to the JSON Schemas of what is read and what may be written, and values between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock.integration.connectors.fixed.copybook import Group, Leaf, Node
from interlock.integration.connectors.fixed.copybook.codecs import (
    EXACT_DIGITS,
    BinaryCodec,
    FloatCodec,
    HexadecimalFloatCodec,
    NationalCodec,
    PackedCodec,
    TextCodec,
    ZonedCodec,
)
from interlock.integration.connectors.fixed.setup import Place, RecordType

DECIMAL = "^-?[0-9]{1,40}([.][0-9]{1,80})?$"
VERSION = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_MAX_DESCRIBED = 300
UNREADABLE = {
    "type": "array",
    "description": "fields of it that cannot be read; they are null",
    "items": {
        "type": "object",
        "properties": {
            "field": {"type": "string"},
            "offset": {"type": "integer", "minimum": 0, "description": "in the record, in bytes"},
            "reason": {"type": "string"},
        },
        "required": ["field", "offset", "reason"],
        "additionalProperties": False,
    },
}
RECORD = {
    "type": "object",
    "description": "about the record itself",
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0, "description": "in the file, in bytes"},
        "version": {**VERSION, "description": "changes when any byte of the record does"},
        "unreadable": UNREADABLE,
    },
    "required": ["number", "offset", "version", "unreadable"],
    "additionalProperties": False,
}


def scalar(leaf: Leaf, *, written: bool) -> dict[str, Any]:
    """Return the schema of one field's value, as it may be *written* or as it is read."""
    schema = _scalar(leaf, written=written)
    conditions = "; ".join(
        f"{one.name}: {', '.join(low if low == high else f'{low} to {high}' for low, high in one.values)}"
        for one in leaf.conditions
    )
    return schema | {"description": conditions[:_MAX_DESCRIBED]} if conditions else schema


def _scalar(leaf: Leaf, *, written: bool) -> dict[str, Any]:
    codec = leaf.codec
    if isinstance(codec, (TextCodec, NationalCodec)):
        return {"type": "string", "maxLength": codec.size if isinstance(codec, TextCodec) else codec.size // 2}
    if isinstance(codec, (FloatCodec, HexadecimalFloatCodec)):
        return {"type": "number"}
    assert isinstance(codec, (ZonedCodec, PackedCodec, BinaryCodec))
    if is_wide(leaf):
        return {"type": "string", "pattern": DECIMAL}
    number = codec.number
    schema: dict[str, Any] = {"type": "integer" if number.scale <= 0 else "number"}
    if written and not (isinstance(codec, BinaryCodec) and codec.full):
        most = Decimal(10**number.digits - 1).scaleb(-number.scale)
        schema["maximum"] = plain(leaf, most)
        schema["minimum"] = plain(leaf, -most) if number.signed else 0
    return schema


def is_wide(leaf: Leaf) -> bool:
    """Whether a field's number has more digits than a JSON number keeps, so that it is written as a text."""
    codec = leaf.codec
    if isinstance(codec, BinaryCodec):
        return codec.wide
    return isinstance(codec, (ZonedCodec, PackedCodec)) and (
        codec.number.digits + max(-codec.number.scale, 0) > EXACT_DIGITS
    )


def plain(leaf: Leaf, value: Any) -> Any:
    """Return a field's value as JSON has it, without losing a digit."""
    if not isinstance(value, Decimal):
        return value
    if is_wide(leaf):
        return f"{value:f}"
    return int(value) if leaf_scale(leaf) <= 0 else float(value)  # at most 15 digits, which a double keeps


def leaf_scale(leaf: Leaf) -> int:
    """Return how many places a number has after the point."""
    codec = leaf.codec
    return codec.number.scale if isinstance(codec, (ZonedCodec, PackedCodec, BinaryCodec)) else 0


def members(group: Group, omit: frozenset[str]) -> Iterator[Node]:
    """Yield the members of a group that are shown; those of a nameless group are its parent's."""
    for member in group.members:
        if member.name:
            if member.name not in omit:
                yield member
        elif isinstance(member, Group):
            yield from members(member, omit)


def shape(node: Node, omit: frozenset[str], *, written: bool) -> dict[str, Any]:
    """Return the schema of a field, a group or a table."""
    if isinstance(node, Leaf):
        schema = scalar(node, written=written)
        return schema if written else schema | {"type": [schema["type"], "null"]}
    if isinstance(node, Group):
        properties = {one.name: shape(one, omit, written=written) for one in members(node, omit)}
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return schema if written else schema | {"required": list(properties), "type": ["object", "null"]}
    items = shape(node.item, omit, written=written)
    least = node.least if node.depending is not None else node.most
    schema = {"type": "array", "items": items, "minItems": least, "maxItems": node.most}
    return schema if written else schema | {"type": ["array", "null"]}


def output_of(record: RecordType) -> dict[str, Any]:
    """Return the schema of a whole record as it is read."""
    properties = {one.name: shape(one, record.omit, written=False) for one in members(record.layout.root, record.omit)}
    for leaf, _ in record.layout.renames:
        if leaf.name not in record.omit:
            properties[leaf.name] = scalar(leaf, written=False) | {
                "type": [scalar(leaf, written=False)["type"], "null"]
            }
    properties |= {"record": RECORD}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def written_of(record: RecordType) -> dict[str, Any]:
    """Return the schemas of what may be written, by member."""
    return {one.name: shape(one, record.omit, written=True) for one in members(record.layout.root, record.omit)}


def argument(place: Place) -> dict[str, Any]:
    """Return the schema of an argument that is compared with a field."""
    return scalar(place.leaf, written=True)


def to_json(node: Node, value: Any, omit: frozenset[str]) -> Any:
    """Return a decoded value as JSON has it, without what is omitted."""
    if value is None:
        return None
    if isinstance(node, Leaf):
        return plain(node, value)
    if isinstance(node, Group):
        return {one.name: to_json(one, value.get(one.name), omit) for one in members(node, omit)}
    return [to_json(node.item, one, omit) for one in value]


def record_to_json(record: RecordType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decoded record as JSON has it."""
    found: dict[str, Any] = to_json(record.layout.root, values, record.omit)
    for leaf, _ in record.layout.renames:
        if leaf.name not in record.omit:
            value = values.get(leaf.name)
            found[leaf.name] = None if value is None else plain(leaf, value)
    return found
