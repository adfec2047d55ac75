"""One flat set of arguments from an operation's parameters and JSON body, and the binding that takes it
apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.openapi.document import DocumentInvalid, Found, OpenApiDocument
from interlock.integration.connectors.openapi.schemas import Direction, standalone
from interlock.integration.contracts import Definition

PLACES = ("path", "query", "header")
DESCRIPTION_LENGTH = 2000
_OWN_HEADERS = frozenset({"accept", "content-type", "authorization", "host", "content-length", "connection"})
_SIGNS = re.compile(r"[^A-Za-z0-9_]+")
_FLAT = frozenset(
    "type properties required additionalProperties unevaluatedProperties description title default deprecated "
    "minProperties maxProperties".split()
)


def define(document: OpenApiDocument, found: Found, *, headers: frozenset[str]) -> Definition:
    """Return the definition of one operation. *headers* (lower case) are set by us, so they are no arguments.

    Raises `DocumentInvalid` where the operation needs what is not supported.
    """
    flat = _Flat(document)
    for place in PLACES:
        for parameter in found.parameters:
            if parameter["in"] == place and not _ours(parameter, headers):
                flat.parameter(parameter)
    _no_required_cookies(found)
    flat.body(found.operation.get("requestBody"))
    output, results = _results(document, found.operation.get("responses"))
    binding: dict[str, Any] = {"method": found.method, "path": found.path, "parameters": flat.parameters}
    if flat.content is not None:
        binding["body"] = flat.content
    binding["results"] = results
    return Definition(flat.schema(), output, binding, _description(found.operation))


def _ours(parameter: Mapping[str, Any], headers: frozenset[str]) -> bool:
    name = parameter["name"].lower()
    if parameter["in"] != "header":
        return False
    if name in _OWN_HEADERS or name in headers:
        return True
    if name == "idempotency-key":
        raise DocumentInvalid(
            f"it takes the header {parameter['name']}; declare `idempotency: {{header: {parameter['name']}}}`, "
            "so that the key is ours and not the caller's"
        )
    return False


def _no_required_cookies(found: Found) -> None:
    for parameter in found.parameters:
        if parameter["in"] == "cookie" and parameter.get("required"):
            raise DocumentInvalid(f"it needs the cookie {parameter['name']!r}; cookies are not supported")
        if parameter["in"] not in {*PLACES, "cookie"}:
            raise DocumentInvalid(f"a parameter's place {str(parameter['in'])[:40]!r} is not known")


class _Flat:
    """Gathers arguments; of two with one name, the later is prefixed with its place."""

    def __init__(self, document: OpenApiDocument) -> None:
        self._document = document
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []
        self._together: dict[str, list[str]] = {}
        self._definitions: dict[str, Any] = {}
        self.parameters: list[dict[str, Any]] = []
        self.content: dict[str, Any] | None = None

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": self._properties,
            "additionalProperties": False,
        }
        if self._required:
            schema["required"] = self._required
        if self._together:
            schema["dependentRequired"] = self._together
        if self._definitions:
            schema["$defs"] = self._definitions
        return schema

    def parameter(self, parameter: Mapping[str, Any]) -> None:
        place, name = parameter["in"], parameter["name"]
        content = parameter.get("content")
        holder = next(iter(content.values())) if isinstance(content, Mapping) and content else parameter
        node = holder.get("schema", {}) if isinstance(holder, Mapping) else {}
        schema, definitions = standalone(self._document, node, Direction.input)
        if parameter.get("description"):
            schema = schema | {"description": str(parameter["description"])[:DESCRIPTION_LENGTH]}
        argument = self._add(name, place, schema, definitions)
        if parameter.get("required") or place == "path":
            self._required.append(argument)
        style = parameter.get("style", "form" if place == "query" else "simple")
        known = {"path": {"simple"}, "header": {"simple"}, "query": {"form", "deepObject"}}
        if style not in known[place]:
            raise DocumentInvalid(f"the parameter {name!r} is written in the style {style!r}, which is not supported")
        binding = {"argument": argument, "in": place, "name": name}
        if content:
            binding["style"] = "json"
        elif style != "simple":
            binding["style"] = style if parameter.get("explode", style == "form") or style != "form" else "csv"
        self.parameters.append(binding)

    def body(self, node: Any) -> None:
        if node is None:
            return
        request = self._document.resolved(node)
        required = request.get("required") is True
        schema_node = _json_schema(request)
        if schema_node is None:
            if required:
                raise DocumentInvalid("its body is not JSON; only JSON bodies are supported")
            return
        schema, definitions = standalone(self._document, schema_node, Direction.input)
        members = _object(schema, definitions)
        if members is None:
            argument = self._add("body", "whole", schema, definitions)
            self.content = {"argument": argument}
            if required:
                self._required.append(argument)
            return
        names = {self._add(name, "body", member, definitions): name for name, member in members["properties"].items()}
        needed = [argument for argument, name in names.items() if name in members.get("required", ())]
        self.content = {"members": names, "required": required}
        if required:
            self._required.extend(needed)
        elif needed:
            self._together = {argument: [n for n in needed if n != argument] for argument in names}

    def _add(self, name: str, place: str, schema: dict[str, Any], definitions: Mapping[str, Any]) -> str:
        for key, definition in definitions.items():
            known = self._definitions.setdefault(key, definition)
            if known != definition:
                raise DocumentInvalid(f"two of its schemas are both named {key!r}; rename one of them")
        argument = _plain(name, place)
        if argument in self._properties:
            argument = f"{place}_{argument}"
        if argument in self._properties:
            raise DocumentInvalid(f"its arguments are ambiguous: {argument!r} is named more than once")
        self._properties[argument] = schema
        return argument


def _plain(name: str, place: str) -> str:
    """Return *name* as expressions can write it: letters, digits and `_`; a header's in lower case."""
    argument = _SIGNS.sub("_", name.lower() if place == "header" else name).strip("_")
    return argument if argument and not argument[0].isdigit() else f"{place}_{argument}"


def _json_schema(holder: Mapping[str, Any]) -> Any:
    """Return the schema of the JSON content, `{}` for JSON without a schema, None for no JSON content."""
    content = holder.get("content")
    if not isinstance(content, Mapping):
        return None
    for media_type, media in content.items():
        if is_json(media_type):
            return media.get("schema", {}) if isinstance(media, Mapping) else {}
    return None


def is_json(media_type: str) -> bool:
    """Return whether *media_type* (perhaps with parameters) is JSON."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain in {"application/json", "*/*", "application/*"} or plain.endswith("+json")


def _object(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the object schema whose members can become arguments of their own, or None."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix("#/$defs/")
        others = {key: value for key, value in definitions.items() if key != name}
        return _object(definitions[name], others) if name in definitions else None
    members = schema.get("allOf")
    if isinstance(members, list):
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        parts = [_object(member, definitions) for member in members]
        return _merged([*parts, _object(rest, definitions)] if "properties" in rest else parts)
    if schema.keys() - _FLAT or schema.get("type", "object") != "object" or not schema.get("properties"):
        return None
    return schema


def _merged(parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return one object schema with the members of all *parts*, or None where they overlap or are no
    objects.
    """
    merged: dict[str, Any] = {"properties": {}, "required": []}
    for part in parts:
        if part is None or merged["properties"].keys() & part["properties"].keys():
            return None
        merged["properties"] |= part["properties"]
        merged["required"] += part.get("required", [])
    return merged if merged["properties"] else None


def _results(document: OpenApiDocument, responses: Any) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Return the schema of a good answer and, by status, whether it is `json`, `text` or `none`."""
    if not isinstance(responses, Mapping):
        return None, {}
    results: dict[str, str] = {}
    schemas: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for status in sorted(responses):
        if not status.startswith("2"):
            continue
        response = document.resolved(responses[status])
        node = _json_schema(response)
        results[status] = "json" if node is not None else _other(status, response)
        schema, more = standalone(document, node, Direction.output) if node is not None else ({}, {})
        if results[status] != "json":
            schema = {"type": "string" if results[status] == "text" else "null"}
        definitions |= more
        if schema not in schemas:
            schemas.append(schema)
    if not schemas or {} in schemas:
        return None, results
    output = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return (output | {"$defs": definitions}) if definitions else output, results


def _other(status: str, response: Mapping[str, Any]) -> str:
    content = response.get("content")
    if not isinstance(content, Mapping) or not content:
        return "none"
    if any(str(media_type).lower().startswith("text/") for media_type in content):
        return "text"
    raise DocumentInvalid(f"its answer {status} is neither JSON nor text; other contents are not supported")


def _description(operation: Mapping[str, Any]) -> str:
    summary = str(operation.get("summary") or "").strip()
    longer = str(operation.get("description") or "").strip()
    text = summary if summary and longer.startswith(summary) is False else ""
    return "\n".join(part for part in (text, longer) if part)[:DESCRIPTION_LENGTH]
