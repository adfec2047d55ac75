"""A document of OpenRPC 1.x, read as methods with schemas that stand by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_SCHEMAS = "#/components/schemas/"
_DESCRIPTORS = "#/components/contentDescriptors/"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_DEEPEST = 100
_ALWAYS = "$id $anchor $dynamicRef $dynamicAnchor $recursiveRef"
_REFUSED = frozenset(_ALWAYS.split())


class OpenRpcInvalid(ValueError):
    """A document, or a method of it, cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its parameters are *names* with *schemas*, those of *required* must be given."""

    name: str
    description: str
    tags: tuple[str, ...]
    deprecated: bool
    parameters: Mapping[str, Any]
    required: tuple[str, ...]
    by_position: bool
    result: Mapping[str, Any] | None


def is_openrpc(document: Any) -> bool:
    """Return whether *document* says that it is one of OpenRPC."""
    return isinstance(document, Mapping) and isinstance(document.get("openrpc"), str) and "methods" in document


def parse_openrpc(content: bytes) -> Mapping[str, Any]:
    """Return the document that *content* is. Raises `OpenRpcInvalid`."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise OpenRpcInvalid("it is not JSON") from None
    if not is_openrpc(document) or not isinstance(document["methods"], list):
        raise OpenRpcInvalid("it has no `openrpc` and `methods`")
    found: Mapping[str, Any] = document
    return found


def methods_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Method | OpenRpcInvalid]]:
    """Yield each method by its name, or why it cannot be used."""
    components = document.get("components")
    parts = components if isinstance(components, Mapping) else {}
    for written in document["methods"]:
        if not isinstance(written, Mapping) or not isinstance(written.get("name"), str):
            continue
        try:
            yield written["name"], _method(written, parts)
        except OpenRpcInvalid as error:
            yield written["name"], error


def _method(written: Mapping[str, Any], parts: Mapping[str, Any]) -> Method:
    parameters: dict[str, Any] = {}
    required = []
    for one in _listed(written.get("params")):
        descriptor = _descriptor(one, parts)
        name = descriptor.get("name")
        if not isinstance(name, str) or _PLAIN.fullmatch(name) is None or name in parameters:
            raise OpenRpcInvalid("has a parameter whose name is no plain word, or comes twice")
        schema = _standalone(descriptor.get("schema", {}), parts)
        if isinstance(descriptor.get("description"), str):
            schema.setdefault("description", " ".join(descriptor["description"].split())[:300])
        parameters[name] = schema
        required += [name] if descriptor.get("required") is True else []
    result = written.get("result")
    text = written.get("description") or written.get("summary") or ""
    tags = [one.get("name") if isinstance(one, Mapping) else one for one in _listed(written.get("tags"))]
    return Method(
        written["name"],
        " ".join(str(text).split())[:500],
        tuple(tag for tag in tags if isinstance(tag, str)),
        written.get("deprecated") is True,
        parameters,
        tuple(required),
        written.get("paramStructure") == "by-position",
        None if result is None else _standalone(_descriptor(result, parts).get("schema", {}), parts),
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _descriptor(written: Any, parts: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(written, Mapping) and isinstance(written.get("$ref"), str):
        known = parts.get("contentDescriptors")
        name = written["$ref"].removeprefix(_DESCRIPTORS)
        written = known.get(name) if isinstance(known, Mapping) else None
    if not isinstance(written, Mapping):
        raise OpenRpcInvalid("has a parameter or result that cannot be read")
    return written


def _standalone(schema: Any, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* with what it refers to in `$defs` of its own."""
    known = parts.get("schemas")
    schemas: Mapping[str, Any] = known if isinstance(known, Mapping) else {}
    wanted: list[str] = []
    found = _moved(schema, wanted, 0)
    if not isinstance(found, dict):
        return {} if found is True else {"not": {}}
    definitions: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            raise OpenRpcInvalid("refers to a schema that the document does not have")
        if name not in definitions:
            definitions[name] = _moved(schemas[name], wanted, 0)
    return {**found, "$defs": definitions} if definitions else found


def _moved(part: Any, wanted: list[str], depth: int) -> Any:
    if depth > _DEEPEST:
        raise OpenRpcInvalid(f"has a schema that is nested deeper than {_DEEPEST} levels")
    if isinstance(part, list):
        return [_moved(one, wanted, depth + 1) for one in part]
    if not isinstance(part, dict):
        return part
    if _REFUSED & part.keys():
        raise OpenRpcInvalid("has a schema with an address of its own")
    moved = {name: _moved(one, wanted, depth + 1) for name, one in part.items() if name != "$ref"}
    if isinstance(part.get("$ref"), str):
        reference: str = part["$ref"]
        if not reference.startswith(_SCHEMAS) or "/" in reference.removeprefix(_SCHEMAS):
            raise OpenRpcInvalid("refers to a schema outside the document's components")
        name = reference.removeprefix(_SCHEMAS)
        wanted.append(name)
        moved["$ref"] = f"#/$defs/{name}"
    return moved
