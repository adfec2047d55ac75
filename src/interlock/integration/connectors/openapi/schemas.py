"""Schemas of an OpenAPI document as self-contained JSON Schemas (2020-12), small enough to show a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from itertools import chain, count
from typing import Any

from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument

MAX_DEPTH = 100
MAX_INLINED = 4000  # parts of one schema; with more, every reference stays a reference

MOST_LINKED = 200  # definitions beside one schema of what is received
_FURTHER = {"description": "Not described here: too far from where it is used."}

_DROPPED = frozenset(
    "example examples xml externalDocs discriminator nullable readOnly writeOnly $defs definitions $schema".split()
)
_REFUSED = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"})
_SCHEMA = frozenset(
    "additionalProperties items not if then else contains propertyNames unevaluatedProperties unevaluatedItems".split()
)
_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_NOTES = frozenset({"description", "title", "default", "deprecated"})


class Direction(StrEnum):
    """Whether a schema is of what we send (`readOnly` members fall away) or receive (`writeOnly` ones do)."""

    input = "readOnly"
    output = "writeOnly"


class _TooMuch(Exception):
    """Inlining made the schema too large."""


def standalone(document: OpenApiDocument, node: Any, direction: Direction) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return *node* as a schema and the definitions (`$defs`) that it refers to. Raises `DocumentInvalid`.

    References are replaced by what they point to; those that lead back to themselves, and all where the
    result would be too large, become references into `$defs`. Those of one document are converted once for all its
    operations. What is received is described by at most `MOST_LINKED` of them, the nearest; what is further away may
    be anything.
    """
    try:
        bundle = _Bundle(document, direction, inline=True)
        return bundle.schema(node, (), 0), bundle.used()
    except _TooMuch:
        return _linked(document, node, direction)


def _linked(document: OpenApiDocument, node: Any, direction: Direction) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return *node* with all its references kept, and the definitions that they lead to, nearest first."""
    root = _Bundle(document, direction, inline=False)
    schema = root.schema(node, (), 0)
    known: dict[str, tuple[dict[str, Any], list[str]]] = document.kept.setdefault(("linked", direction), {})
    names: dict[str, str] = {}
    definitions: dict[str, Any] = {}
    waiting = deque(root.met)
    while waiting:
        reference = waiting.popleft()
        name = _base(reference)
        if names.setdefault(name, reference) != reference:  # two of one name: they are told apart, for this one alone
            bundle = _Bundle(document, direction, inline=False, apart=True)
            return bundle.schema(node, (), 0), bundle.used()
        if name in definitions:
            continue
        if direction is Direction.output and len(definitions) >= MOST_LINKED:
            definitions[name] = dict(_FURTHER)
            continue
        if reference not in known:
            part = _Bundle(document, direction, inline=False)
            known[reference] = (part.schema(document.at(reference), (), 0), list(part.met))
        definitions[name], met = known[reference]
        waiting.extend(met)
    return schema, definitions


def _base(reference: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in reference.rpartition("/")[2])


class _Bundle:
    """Converts schemas of one direction, gathering definitions on the way.

    With *inline* references are replaced; without, they are kept in *met*, or gathered where they must be told *apart*.
    """

    def __init__(self, document: OpenApiDocument, direction: Direction, *, inline: bool, apart: bool = False) -> None:
        self._document = document
        self._direction = direction
        self._inline = inline
        self._apart = apart
        self._parts = 0
        self._least: dict[str, int] = document.kept.setdefault(("least", direction), {})
        self._deep: dict[str, int] = document.kept.setdefault(("deep", direction), {})
        self.met: dict[str, None] = {}
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Any] = {}

    def used(self) -> dict[str, Any]:
        """Return the gathered definitions."""
        return self._definitions

    def schema(self, node: Any, within: tuple[str, ...], depth: int) -> dict[str, Any]:
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if not isinstance(node, Mapping):
            raise DocumentInvalid("a schema is no object")
        if depth > MAX_DEPTH:
            if self._inline:
                raise _TooMuch  # it may be deep by what it refers to alone
            raise DocumentInvalid(f"a schema is nested deeper than {MAX_DEPTH} levels")
        self._parts += 1
        if self._inline and self._parts > MAX_INLINED:
            raise _TooMuch
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._referred(reference, node, within, depth)
        refused = _REFUSED & node.keys()
        if refused:
            raise DocumentInvalid(f"a schema uses {min(refused)}, which is not supported; use plain references")
        return _simple(self._nullable(node, self._converted(node, within, depth)))

    def _referred(self, reference: str, node: Mapping[str, Any], within: tuple[str, ...], depth: int) -> dict[str, Any]:
        self._document.resolved(node)  # refuses what refers to itself and to nothing else
        beside = {key: value for key, value in node.items() if key in _NOTES}
        if not self._inline and not self._apart:
            self.met[reference] = None
            return {"$ref": f"#/$defs/{_base(reference)}"} | beside
        if reference in within or not self._inline:
            known = reference in self._names
            name = self._name(reference)
            if not known and not self._inline:
                self._definitions[name] = {}
                self._definitions[name] = self.schema(self._document.at(reference), (), depth + 1)
            return {"$ref": f"#/$defs/{name}"} | beside
        target = self._inlined(reference, within, depth)
        if reference in self._names:
            name = self._name(reference)
            self._definitions.setdefault(name, target)
            return {"$ref": f"#/$defs/{name}"} | beside
        return target | beside

    def _inlined(self, reference: str, within: tuple[str, ...], depth: int) -> dict[str, Any]:
        """Return what a reference leads to. What was found to be too large, or too deep, before is not tried again."""
        before = self._parts
        too_large = before + self._least.get(reference, 0) > MAX_INLINED
        if not within and (too_large or depth >= self._deep.get(reference, MAX_DEPTH)):
            raise _TooMuch
        try:
            return self.schema(self._document.at(reference), (*within, reference), depth + 1)
        except _TooMuch:
            if not within and self._parts > MAX_INLINED:
                self._least[reference] = self._parts - before
            elif not within:
                self._deep[reference] = depth
            raise

    def _name(self, reference: str) -> str:
        if reference not in self._names:
            base = _base(reference)
            taken = set(self._names.values())
            numbered = (f"{base}_{number}" for number in count(2))
            self._names[reference] = next(name for name in chain((base,), numbered) if name not in taken)
        return self._names[reference]

    def _converted(self, node: Mapping[str, Any], within: tuple[str, ...], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.items():
            if key in _DROPPED or key.startswith("x-") or key in {"$defs", "definitions", "readOnly", "writeOnly"}:
                continue
            if key in _SCHEMA and isinstance(value, (Mapping, bool)):
                plain = isinstance(value, bool)
                result[key] = value if plain else self.schema(value, within, depth + 1)
            elif key in _SCHEMAS and isinstance(value, list):
                # A discriminator picks one form of several that may overlap, so that a value may well fit two.
                picked = key == "oneOf" and "discriminator" in node and "anyOf" not in node
                result["anyOf" if picked else key] = [self.schema(item, within, depth + 1) for item in value]
            elif key in _NAMED and isinstance(value, Mapping):
                result[key] = {
                    name: self.schema(item, within, depth + 1)
                    for name, item in value.items()
                    if key != "properties" or not self._hidden(item)
                }
            else:
                result[key] = value
        if "required" in result and "properties" in result:
            names = result["required"]
            listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
            if not listed or not isinstance(result["properties"], dict):
                raise DocumentInvalid("a schema's `properties` are no object, or its `required` is no list of names")
            gone = node["properties"].keys() - result["properties"].keys()
            result["required"] = [name for name in result["required"] if name not in gone]
        return result

    def _hidden(self, member: Any) -> bool:
        return isinstance(member, Mapping) and self._document.resolved(member).get(self._direction.value) is True

    def _nullable(self, node: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """Write in the words of 2020-12 what version 3.0 writes in its own."""
        if not self._document.nullable:
            return schema
        for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(schema.get(word), bool):
                exclusive = schema.pop(word)
                if exclusive and limit in schema:
                    schema[word] = schema.pop(limit)
        if node.get("nullable") is not True:
            return schema
        if not isinstance(schema.get("type"), str):
            notes = {key: schema.pop(key) for key in _NOTES & schema.keys()}
            return {"anyOf": [_simple(schema), {"type": "null"}]} | notes if schema else notes
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
        return schema


def _simple(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an `allOf` of one member, with nothing but notes beside it, as that member."""
    members = schema.get("allOf")
    if isinstance(members, list) and len(members) == 1 and not (schema.keys() - _NOTES - {"allOf"}):
        only: dict[str, Any] = members[0]
        return only | {key: value for key, value in schema.items() if key != "allOf"}
    return schema
