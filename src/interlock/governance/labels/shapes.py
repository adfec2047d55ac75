"""The schema of a masked output: an operation's own, with what is hidden as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]

_DEFINITIONS = ("$defs", "definitions")
_KEPT = frozenset(
    "$schema $comment title description type required minItems maxItems minProperties maxProperties"
    " propertyNames minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format"
    " deprecated readOnly".split()
)
"""What still holds of a part with something hidden inside it. Whatever else a schema says of it is left out."""


class Verdict(NamedTuple):
    """What becomes of the value at a path: *words* instead of it (none: it stays), and whether parts of it differ."""

    words: str
    mixed: bool


class Shape:
    """Makes the schema that every masked output fits, given that the outputs fit the operation's own."""

    def __init__(self, schema: Schema, verdict: Callable[[Path], Verdict], *, indexed: bool) -> None:
        self._root = schema
        self._verdict = verdict
        self._indexed = indexed

    def masked(self) -> Schema:
        """Return the schema."""
        definitions = {name: self._root[name] for name in _DEFINITIONS if name in self._root}
        return {**self._part(self._root, (), ()), **definitions}

    def _part(self, schema: Any, path: Path, within: tuple[str, ...]) -> Any:
        verdict = self._verdict(path)
        if not verdict.mixed:
            hidden = {"type": "string", "description": f"Hidden from this caller: {verdict.words}"}
            return hidden if verdict.words else schema
        inner = self._inside(schema, path, within) if isinstance(schema, Mapping) else schema
        return {"anyOf": [inner, {"type": "string"}]} if verdict.words else inner

    def _inside(self, schema: Schema, path: Path, within: tuple[str, ...]) -> Schema:
        inner = {word: value for word, value in schema.items() if word in _KEPT}
        if "properties" in schema:
            inner["properties"] = {
                name: self._part(part, (*path, name), within) for name, part in schema["properties"].items()
            }
        if "patternProperties" not in schema and "additionalProperties" in schema:
            inner["additionalProperties"] = schema["additionalProperties"] is not False
        if "prefixItems" in schema:
            inner["prefixItems"] = [self._member(part, path, within) for part in schema["prefixItems"]]
        if "items" in schema:
            inner["items"] = self._member(schema["items"], path, within)
        every = [self._inside(part, path, within) for part in schema.get("allOf", ()) if isinstance(part, Mapping)]
        if "$ref" in schema:
            every.append(self._referred(schema["$ref"], path, within))
        choices = [schema[word] for word in ("anyOf", "oneOf") if word in schema]
        for parts in choices:  # of several that differ in what is hidden, more than one may fit then
            found = [self._inside(part, path, within) if isinstance(part, Mapping) else part for part in parts]
            every.append({"anyOf": found})
        return {**inner, "allOf": every} if every else inner

    def _member(self, schema: Any, path: Path, within: tuple[str, ...]) -> Any:
        return True if self._indexed else self._part(schema, (*path, 0), within)

    def _referred(self, reference: Any, path: Path, within: tuple[str, ...]) -> Schema:
        if not isinstance(reference, str) or reference in within:
            return {}
        start, _, rest = reference.partition("/")
        place, _, name = rest.partition("/")
        target = self._root.get(place, {}).get(name) if start == "#" and place in _DEFINITIONS else None
        return self._inside(target, path, (*within, reference)) if isinstance(target, Mapping) else {}
