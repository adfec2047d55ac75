"""Names and shapes of one side put into those of the other: what a caller gives, and what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import steps_of
from interlock.governance.labels import is_masked

Path = tuple[str, ...]
Schema = Mapping[str, Any]
ANYTHING: dict[str, Any] = {}
_DEFINITIONS = ("$defs", "definitions")
_UNSEEN = object()


def path_of(text: str) -> Path:
    """Return the steps of a JSON pointer (RFC 6901); a text that does not begin with `/` is the name of one member."""
    if not text.startswith("/"):
        return (text,) if text else ()
    return steps_of(text)


def member(value: Any, path: Path) -> Any:
    """Return what is at *path* in *value*, None where there is nothing.

    Where something on the way is hidden from whoever looks, the words that stand for it are returned.
    """
    found = _member(value, path)
    return None if found is _UNSEEN else found


def _member(value: Any, path: Path) -> Any:
    for step in path:
        if is_masked(value):
            return value
        if isinstance(value, Mapping):
            value = value.get(step, _UNSEEN)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _UNSEEN
    return value


def part(schema: Schema, path: Path) -> dict[str, Any] | None:
    """Return the schema of what is at *path* in values of *schema*, None where they can have nothing there.

    Where the schema does not say, it is the one of anything. References into its definitions stay as they are.
    """
    node: Any = schema
    for step in path:
        node = _step(_resolved(node, schema), step)
        if node is None:
            return None
    return dict(node) if isinstance(node, Mapping) else ANYTHING


def _step(node: Schema, step: str) -> Any:
    properties = node.get("properties")
    if isinstance(properties, Mapping) and step in properties:
        return properties[step]
    if step.isdecimal() and isinstance(node.get("items"), Mapping):
        return node["items"]
    for members in (node.get(word) for word in ("allOf", "anyOf", "oneOf")):
        for one in members if isinstance(members, list) else ():
            found = _step(one, step) if isinstance(one, Mapping) and "properties" in one else None
            if found is not None:
                return found
    plain = isinstance(properties, Mapping) and not {"allOf", "anyOf", "oneOf", "patternProperties"} & node.keys()
    if plain and node.get("additionalProperties", False) in (False, None):
        return None
    return ANYTHING


def _resolved(node: Any, root: Schema) -> Schema:
    for _ in range(20):
        reference = node.get("$ref") if isinstance(node, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        node = member(root, path_of(reference[1:]))
    return node if isinstance(node, Mapping) else ANYTHING


def resolved(node: Schema, root: Schema) -> Schema:
    """Return *node*, or what it refers to in *root*; the schema of anything where that leads nowhere."""
    return _resolved(node, root)


def needed(schema: Schema, path: Path) -> bool:
    """Return whether every value of *schema* has something at *path*."""
    node: Any = schema
    for step in path:
        node = _resolved(node, schema)
        if step not in node.get("required", ()):
            return False
        node = _step(node, step) or ANYTHING
    return bool(path)


def _beside(schema: Schema) -> dict[str, Any]:
    return {name: schema[name] for name in _DEFINITIONS if name in schema}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where each name that a caller gives goes in an operation's arguments, and what always goes there."""

    places: Mapping[str, Path]
    fixed: Mapping[Path, Any]

    def schema(self, inner: Schema) -> dict[str, Any]:
        """Return the schema of what a caller gives, for an operation whose arguments fit *inner*."""
        properties = {name: part(inner, path) or ANYTHING for name, path in self.places.items()}
        required = [name for name, path in self.places.items() if needed(inner, path)]
        shown: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            shown["required"] = required
        return {**shown, **_beside(inner)}

    def inward(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that *given*, which fits the schema, stands for."""
        arguments: dict[str, Any] = {}
        for path, value in self.fixed.items():
            _put(arguments, path, value)
        for name, value in given.items():
            _put(arguments, self.places[name], value)
        return arguments

    def missing(self, inner: Schema) -> Iterator[str]:
        """Yield the arguments that *inner* needs and nothing here gives."""
        given = {path[0] for path in (*self.places.values(), *self.fixed) if path}
        yield from (name for name in inner.get("required", ()) if name not in given)


def _put(into: dict[str, Any], path: Path, value: Any) -> None:
    for step in path[:-1]:
        into = into.setdefault(step, {})
    into[path[-1]] = value


@dataclass(frozen=True, slots=True)
class Outputs:
    """What of a result a caller is given, under which names; *names* is None for all of it, as it is."""

    names: Mapping[str, Path] | None = None

    def outward(self, value: Any) -> Any:
        """Return what is shown of *value*. What it lacks is left out; what is hidden in it stays hidden."""
        if self.names is None or is_masked(value) or not isinstance(value, (Mapping, list)):
            return value
        found = ((name, _member(value, path)) for name, path in self.names.items())
        return {name: one for name, one in found if one is not _UNSEEN}

    def schema(self, inner: Schema, at: Path = ()) -> dict[str, Any]:
        """Return the schema of what is shown of the values at *at* in those of *inner*."""
        own = part(inner, at)
        own = ANYTHING if own is None else own
        if self.names is None:
            return {**own, **_beside(inner)} if own else {}
        whole = {**_resolved(own, inner), **_beside(inner)}
        if whole.get("type") == "string":
            return whole  # all of it is hidden
        properties = {name: part(whole, path) or ANYTHING for name, path in self.names.items()}
        required = [name for name, path in self.names.items() if needed(whole, path)]
        shown: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            shown["required"] = required
        return {**shown, **_beside(inner)}


def unknown(schema: Schema | None, paths: Sequence[Path], at: Path = ()) -> Iterator[Path]:
    """Yield those of *paths* that lead, from *at*, to nothing that a value of *schema* can have."""
    if schema is None:
        return
    own = part(schema, at)
    whole = {**_resolved(own or ANYTHING, schema), **_beside(schema)}
    yield from (path for path in paths if part(whole, path) is None)
