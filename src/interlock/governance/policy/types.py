"""The Cedar types of JSON values, taken from JSON Schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.documents import steps_of

Schema = Mapping[str, Any]

_DEEPEST = 12
_NAME = re.compile(r'(?!__)[^"\\\x00-\x1f\x7f]{1,100}')
_SCALARS = {"string": "String", "integer": "Long", "number": "decimal", "boolean": "Bool"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A Cedar scalar: `String`, `Long`, `Bool`, `decimal` or `datetime`."""

    name: str

    def cedar(self) -> str:
        """Return the type in Cedar schema syntax."""
        return self.name


@dataclass(frozen=True, slots=True)
class SetOf:
    """A Cedar set; a JSON array, its order and duplicates forgotten."""

    of: Type

    def cedar(self) -> str:
        """Return the type in Cedar schema syntax."""
        return f"Set<{self.of.cedar()}>"


@dataclass(frozen=True, slots=True)
class Field:
    """A record's attribute. *default* stands in for a value that is not there; None for no default."""

    type: Type
    required: bool = True
    default: Any = None


@dataclass(frozen=True, slots=True)
class Record:
    """A Cedar record. *name* is that of a common type which stands for it in the generated schema."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    name: str = ""

    def cedar(self) -> str:
        """Return the type in Cedar schema syntax."""
        return self.name or self.definition()

    def definition(self) -> str:
        """Return the record written out, whatever its name."""
        parts = (f'"{name}"{"" if part.required else "?"}: {part.type.cedar()}' for name, part in self.fields.items())
        return "{" + ", ".join(parts) + "}"


Type = Scalar | SetOf | Record

STRING = Scalar("String")
LONG = Scalar("Long")
BOOL = Scalar("Bool")
DECIMAL = Scalar("decimal")
DATETIME = Scalar("datetime")
STRINGS = SetOf(STRING)


def sayable(name: str) -> bool:
    """Return whether *name* can be a Cedar attribute (those that Cedar's JSON format reserves cannot)."""
    return _NAME.fullmatch(name) is not None


def field_of(schema: Schema, root: Schema, *, required: bool, depth: int = 0) -> Field | None:
    """Return the attribute for a value of *schema*, or None if Cedar has no type for it.

    *root* is the document that local references (`#/...`) are looked up in. A value that may be null becomes an
    optional attribute, absent where it is null. Unions, tuples, free-form objects and unknown types have none.
    """
    if depth > _DEEPEST:
        return None
    schema, nullable = _plain(schema, root)
    kind = _kind(schema)
    found: Type | None = None
    if kind in _SCALARS:
        found = Scalar(_SCALARS[kind])
    elif kind == "array" and isinstance(schema.get("items"), Mapping):
        member = field_of(schema["items"], root, required=True, depth=depth + 1)
        found = SetOf(member.type) if member is not None and member.required else None
    elif kind == "object":
        record = record_of(schema, root, depth=depth)
        found = record if record.fields else None
    return None if found is None else Field(found, required=required and not nullable)


def record_of(schema: Schema, root: Schema, *, depth: int = 0) -> Record:
    """Return the record of an object schema's declared properties; those without a Cedar type are left out."""
    schema, _ = _plain(schema, root)
    required = schema.get("required", ())
    fields: dict[str, Field] = {}
    for name, part in (schema.get("properties") or {}).items():
        if not sayable(name) or not isinstance(part, Mapping):
            continue
        attribute = field_of(part, root, required=name in required, depth=depth + 1)
        if attribute is not None:
            fields[name] = attribute
    return Record(fields)


def _plain(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """Return *schema* with references, one-member unions and `allOf` resolved, and whether it may be null."""
    nullable = False
    for _ in range(_DEEPEST):
        nullable = nullable or schema.get("nullable") is True
        if isinstance(schema.get("$ref"), str):
            schema = _referred(schema["$ref"], root)
        elif isinstance(schema.get("allOf"), Sequence):
            schema = _merged(schema, root)
        elif (union := schema.get("anyOf") or schema.get("oneOf")) and "type" not in schema:
            members = [member for member in union if member.get("type") != "null"]
            nullable = nullable or len(members) < len(union)
            if len(members) != 1:
                return {}, nullable
            schema = members[0]
        else:
            break
    kinds = schema.get("type")
    if isinstance(kinds, Sequence) and not isinstance(kinds, str):
        others = [kind for kind in kinds if kind != "null"]
        nullable = nullable or len(others) < len(kinds)
        schema = {**schema, "type": others[0] if len(others) == 1 else ""}
    return schema, nullable


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    constants = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if constants and all(isinstance(value, str) for value in constants):
        return "string"
    return "object" if "properties" in schema else ""


def _referred(reference: str, root: Schema) -> Schema:
    found: Any = root
    if not reference.startswith("#/"):
        return {}
    for part in steps_of(reference):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _merged(schema: Schema, root: Schema) -> Schema:
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    properties: dict[str, Any] = dict(merged.get("properties") or {})
    required: list[str] = list(merged.get("required") or ())
    for member in schema["allOf"]:
        part, _ = _plain(member, root)
        properties |= part.get("properties") or {}
        required += part.get("required") or ()
        merged = {**part, **merged}
    if properties:
        merged |= {"properties": properties, "required": required}
    return merged
