"""One flat set of arguments from an operation's parameters and JSON body, and the binding that takes it
apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.openapi.document import DocumentInvalid, Found, OpenApiDocument
from interlock.integration.connectors.openapi.schemas import Direction, standalone
from interlock.integration.connectors.web.bodies import FILE, JSON, MULTIPART, URLENCODED, is_json
from interlock.integration.connectors.web.styles import STYLES
from interlock.integration.contracts import Definition

PLACES = ("path", "query", "header", "cookie")
DESCRIPTION_LENGTH = 2000
MOST_FILES = 50
_WRITTEN = ("style", "explode")
_OWN_HEADERS = frozenset(
    "accept accept-encoding authorization connection content-length content-type cookie expect host keep-alive "
    "proxy-authorization te trailer transfer-encoding upgrade".split()
)
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?[\w-]+=[\w.-]+)*", re.ASCII)
_PLACE = re.compile(r"\{([^{}]+)\}")
_SIGNS = re.compile(r"[^A-Za-z0-9_]+")
_FLAT = frozenset(
    "type properties required additionalProperties unevaluatedProperties description title default deprecated "
    "minProperties maxProperties".split()
)


def define(document: OpenApiDocument, found: Found, *, ours: frozenset[tuple[str, str]]) -> Definition:
    """Return the definition of one operation. *ours* are parameters that we set, so they are no arguments: place and
    name, a header's in lower case.

    Raises `DocumentInvalid` where the operation needs what is not supported.
    """
    flat = _Flat(document)
    for place in PLACES:
        for parameter in found.parameters:
            if parameter["in"] == place and not _ours(parameter, ours):
                flat.parameter(parameter)
    _known_places(found)
    _whole_path(found)
    flat.body(found.operation.get("requestBody"))
    output, results = _results(document, found.operation.get("responses"))
    binding: dict[str, Any] = {"method": found.method, "path": found.path, "parameters": flat.parameters}
    if flat.content is not None:
        binding["body"] = flat.content
    binding["results"] = results
    return Definition(flat.schema(), output, binding, _description(found.operation))


def _ours(parameter: Mapping[str, Any], ours: frozenset[tuple[str, str]]) -> bool:
    if parameter["in"] != "header":
        return (parameter["in"], parameter["name"]) in ours
    name = parameter["name"].lower()
    if name in _OWN_HEADERS or ("header", name) in ours:
        return True
    if name == "idempotency-key":
        raise DocumentInvalid(
            f"it takes the header {parameter['name']}; declare `idempotency: {{header: {parameter['name']}}}`, "
            "so that the key is ours and not the caller's"
        )
    return False


def _known_places(found: Found) -> None:
    for parameter in found.parameters:
        if parameter["in"] not in PLACES:
            raise DocumentInvalid(f"a parameter's place {str(parameter['in'])[:40]!r} is not known")


def _whole_path(found: Found) -> None:
    """Raise `DocumentInvalid` where a path cannot be filled in, or would not be sent whole."""
    known = {parameter["name"] for parameter in found.parameters if parameter["in"] == "path"}
    if missing := sorted(set(_PLACE.findall(found.path)) - known):
        raise DocumentInvalid(f"its path has a place {missing[0]!r} for which the document has no parameter")
    if "#" in found.path:
        raise DocumentInvalid("its path has a `#`, and what is behind that is never sent")


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
        kind, holder = next(iter(content.items())) if isinstance(content, Mapping) and content else ("", parameter)
        node = holder.get("schema", {}) if isinstance(holder, Mapping) else {}
        schema, definitions = standalone(self._document, node, Direction.input)
        if parameter.get("description"):
            schema = schema | {"description": str(parameter["description"])[:DESCRIPTION_LENGTH]}
        argument = self._add(name, place, schema, definitions)
        if parameter.get("required") or place == "path":
            self._required.append(argument)
        binding = {"argument": argument, "in": place, "name": name}
        style = _style(parameter) if not kind else "json" if is_json(kind) else STYLES[place][0]
        if style not in ("simple", "form") or (place == "query" and style != "simple"):
            binding["style"] = style
        self.parameters.append(binding)

    def body(self, node: Any) -> None:
        if node is None:
            return
        request = self._document.resolved(node)
        required = request.get("required") is True
        kind, media_type, media = _content(request)
        if kind is None:
            if required:
                raise DocumentInvalid("its body is neither JSON nor a form; other contents are not supported")
            return
        schema, definitions = standalone(self._document, media.get("schema", {}), Direction.input)
        members = _object(schema, definitions)
        if kind != JSON and members is None:
            raise DocumentInvalid("its body is a form without fields of its own")
        if members is None:
            argument = self._add("body", "whole", schema, definitions)
            self.content = {"argument": argument, **_named(media_type)}
            if required:
                self._required.append(argument)
            return
        files = {name for name, member in members["properties"].items() if kind == MULTIPART and _is_file(member)}
        names = {
            self._add(name, "body", _as_file(member) if name in files else member, definitions): name
            for name, member in members["properties"].items()
        }
        needed = [argument for argument, name in names.items() if name in members.get("required", ())]
        self.content = {"members": names, "required": required, **_form(kind, names, files, media)}
        self.content |= _named(media_type) if kind == JSON else {}
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


def _style(parameter: Mapping[str, Any]) -> str:
    """Return how a parameter is written, as a binding says it: `*` where lists and objects are exploded."""
    place = parameter["in"]
    style = parameter.get("style", STYLES[place][0])
    if style not in STYLES[place]:
        named = f"the parameter {parameter['name']!r} is written in the style {str(style)[:40]!r}"
        raise DocumentInvalid(f"{named}, which is not one of {place}")
    exploded = parameter.get("explode", style == "form")
    if style in ("form", "spaceDelimited", "pipeDelimited"):
        return "form" if exploded else "csv" if style == "form" else style
    return f"{style}*" if exploded and style != "deepObject" else style


def _content(request: Mapping[str, Any]) -> tuple[str | None, str, Mapping[str, Any]]:
    """Return the kind of a body's content that is written here, the best first, its media type, and what it says."""
    content = request.get("content")
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for media_type, media in content.items() if isinstance(content, Mapping) else ():
        plain = str(media_type).partition(";")[0].strip().lower()
        kind = JSON if is_json(media_type) else plain
        if kind not in found or plain == JSON != found[kind][0]:
            found[kind] = plain, media if isinstance(media, Mapping) else {}
    for kind in (JSON, URLENCODED, MULTIPART):
        if kind in found:
            return kind, *found[kind]
    return None, "", {}


def _named(media_type: str) -> dict[str, str]:
    """Return what a binding says of a kind of JSON that has a name of its own, such as that of a patch."""
    return {"type": media_type} if media_type.endswith("+json") else {}


def _form(kind: str, names: Mapping[str, str], files: set[str], media: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a binding says of a form: which it is, which members are files, and how others are written."""
    if kind == JSON:
        return {}
    said = media.get("encoding")
    encoding: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    encoded = {name: one for name, one in encoding.items() if isinstance(one, Mapping)}
    if kind == MULTIPART:
        kinds = {argument: str(encoded.get(name, {}).get("contentType", "")) for argument, name in names.items()}
        kinds = {argument: one for argument, one in kinds.items() if _MEDIA_TYPE.fullmatch(one)}
        form = {"form": MULTIPART, "files": [argument for argument, name in names.items() if name in files]}
        return form | ({"kinds": kinds} if kinds else {})
    styles = {}
    for argument, name in names.items():
        own = encoded.get(name, {})
        if is_json(str(own.get("contentType", ""))):
            styles[argument] = "json"
        elif own.get("style", "form") != "form" or own.get("explode") is False:
            styles[argument] = _style({"in": "query", "name": name, **{k: own[k] for k in _WRITTEN if k in own}})
    return {"form": URLENCODED, **({"styles": styles} if styles else {})}


def _is_file(schema: Mapping[str, Any]) -> bool:
    """Whether a part is a file, or a list of files: bytes, in the words of 3.0 and of 3.1."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        return _is_file(schema["items"])
    bare = schema.get("type") in ("string", None) and schema.get("format") == "binary"
    return bare or "contentMediaType" in schema or schema.get("type") == "file"


def _as_file(schema: Mapping[str, Any]) -> dict[str, Any]:
    words = schema.get("description")
    one = {**FILE, "description": words} if isinstance(words, str) else FILE
    return {"type": "array", "items": FILE, "maxItems": MOST_FILES} if schema.get("type") == "array" else one


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
    """Return the schema of a good answer and, by status, whether it is `json`, `text`, `bytes` or `none`."""
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
        results[status] = "json" if node is not None else _other(response)
        schema, more = standalone(document, node, Direction.output) if node is not None else ({}, {})
        if results[status] != "json":
            schema = _PLAIN_RESULTS[results[status]]
        definitions |= more
        if schema not in schemas:
            schemas.append(schema)
    if not schemas or {} in schemas:
        return None, results
    output = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return (output | {"$defs": definitions}) if definitions else output, results


_PLAIN_RESULTS: dict[str, dict[str, Any]] = {
    "none": {"type": "null"},
    "text": {"type": "string"},
    "bytes": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "the media type, as the system says"},
            "content": {"type": "string", "contentEncoding": "base64"},
        },
        "required": ["type", "content"],
        "additionalProperties": False,
    },
}
"""The schemas of answers that are no JSON."""


def _other(response: Mapping[str, Any]) -> str:
    content = response.get("content")
    if not isinstance(content, Mapping) or not content:
        return "none"
    if any(str(media_type).lower().startswith("text/") for media_type in content):
        return "text"
    return "bytes"


def _description(operation: Mapping[str, Any]) -> str:
    summary = str(operation.get("summary") or "").strip()
    longer = str(operation.get("description") or "").strip()
    text = summary if summary and longer.startswith(summary) is False else ""
    return "\n".join(part for part in (text, longer) if part)[:DESCRIPTION_LENGTH]
