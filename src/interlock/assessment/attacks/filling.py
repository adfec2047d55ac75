"""Values that fit a JSON Schema, for what no record answers and no file gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.assessment.attacks.patterns import text_for
from interlock.foundation.documents import steps_of

_DEEPEST = 8
_TEXT = "simulated"
_FORMATS = {
    "date-time": "1998-05-06T09:00:00Z",
    "date": "1998-05-06",
    "time": "09:00:00Z",
    "duration": "P1D",
    "email": "somebody@partner.example",
    "idn-email": "somebody@partner.example",
    "hostname": "partner.example",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uri": "https://partner.example/simulated",
    "uri-reference": "/simulated",
    "url": "https://partner.example/simulated",
    "uuid": "6f1f64a0-7c1b-4c7e-9d55-0d1a3b5c7e9f",
}
_ADDRESSES = {"email": "email", "mail": "email", "url": "uri", "uri": "uri"}


def fill(schema: Any, known: Mapping[str, Any] | None = None) -> Any:
    """Return a value for *schema*, the same each time; members that *known* names have its values.

    It usually fits; a schema may ask for more than is understood here, so whoever needs to be sure asks the contract.
    """
    return _Filler(schema if isinstance(schema, Mapping) else {}, known or {}).value(schema, "", 0)


def branch(schema: Any, root: Mapping[str, Any], *, deep: int = _DEEPEST) -> Mapping[str, Any]:
    """Return *schema* with its reference followed, its `allOf` joined and its first alternative taken."""
    if not isinstance(schema, Mapping):
        return {}
    if deep == 0:
        return schema
    joined = dict(schema)
    reference = joined.pop("$ref", None)
    if isinstance(reference, str):
        joined = {**branch(_at(root, reference), root, deep=deep - 1), **joined}
    for part in joined.pop("allOf", ()):
        other = branch(part, root, deep=deep - 1)
        properties = {**joined.get("properties", {}), **other.get("properties", {})}
        required = [*joined.get("required", ()), *other.get("required", ())]
        joined = {**other, **joined}
        if properties:
            joined |= {"properties": properties, "required": required}
    for word in ("anyOf", "oneOf"):
        options = [branch(part, root, deep=deep - 1) for part in joined.pop(word, ())]
        options = [option for option in options if option.get("type") != "null"] or options
        if options:
            joined = {**joined, **options[0]}
    return joined


def type_of(schema: Mapping[str, Any]) -> str:
    """Return the JSON type that a joined *schema* asks for, empty where it does not say; `null` only if alone."""
    written = schema.get("type")
    if isinstance(written, list):
        written = next((word for word in written if word != "null"), "null")
    if isinstance(written, str):
        return written
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    if schema.keys() & {"minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"}:
        return "number"
    return "string" if schema.keys() & {"pattern", "minLength", "maxLength", "format"} else ""


def closed(schema: Mapping[str, Any]) -> bool:
    """Return whether a joined *schema* names every value that there is."""
    return "enum" in schema or "const" in schema or type_of(schema) in ("boolean", "null")


def _at(root: Any, reference: str) -> Any:
    found = root
    for name in steps_of(reference):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


@dataclass(frozen=True, slots=True)
class _Filler:
    root: Mapping[str, Any]
    known: Mapping[str, Any] = field(default_factory=dict)

    def value(self, schema: Any, name: str, depth: int) -> Any:
        joined = branch(schema, self.root)
        if name in self.known and not isinstance(self.known[name], (Mapping, list)):
            return self.known[name]
        for word in ("const", "default", "example"):
            if word in joined:
                return joined[word]
        for word in ("enum", "examples"):
            if joined.get(word):
                return joined[word][0]
        kind = type_of(joined)
        if kind == "object":
            return self._object(joined, depth)
        if kind == "array":
            return self._array(joined, name, depth)
        return _single(joined, kind, name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        wanted = required if depth >= _DEEPEST else dict.fromkeys([*properties, *required])
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in wanted}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        count = max(int(schema.get("minItems", 0)), 0 if depth >= _DEEPEST else 1)
        return [
            self.value(schema.get("items", {}), name, depth + 1)
            for _ in range(min(count, schema.get("maxItems", count)))
        ]


def _single(schema: Mapping[str, Any], kind: str, name: str) -> Any:
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    return _text(schema, name)


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
    most = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
    step: float = schema.get("multipleOf", 1 if whole else 0.01)
    value: float = min(max(1000.0, least), most)
    if value == schema.get("exclusiveMinimum"):
        value += step
    elif value == schema.get("exclusiveMaximum"):
        value -= step
    return math.ceil(value / step) * step if whole or "multipleOf" in schema else value


def _text(schema: Mapping[str, Any], name: str) -> str:
    form = schema.get("format") or next((form for word, form in _ADDRESSES.items() if word in name.lower()), "")
    if "pattern" in schema:
        found = text_for(schema["pattern"])
        if found is not None:
            return found
    text = _FORMATS.get(form, f"{_TEXT} {name.replace('_', ' ')}".strip())
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength", len(text) + 1000)
    return text.ljust(least, "x")[: max(int(most), 0)]
