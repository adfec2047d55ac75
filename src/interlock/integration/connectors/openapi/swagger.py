"""Swagger 2.0 documents, rewritten as documents of OpenAPI 3.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VERSION = "2.0"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_JSON = "application/json"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}
_STYLES: dict[str, dict[str, Any]] = {
    "csv": {"explode": False},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
    "multi": {"explode": True},
}
_SCHEMA = frozenset(
    "type format items default maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems "
    "minItems uniqueItems enum multipleOf".split()
)


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of OpenAPI 3.0 that says what a *document* of Swagger 2.0 does.

    What has a wrong form in it is left as it is, or left out: reading the result says what is wrong where it is used.
    """
    kinds = _Kinds(document)
    parameters = {name: one for name, one in _members(document, "parameters") if not _in_body(one)}
    components = {
        "schemas": dict(_members(document, "definitions")),
        "parameters": {name: _parameter(one) for name, one in parameters.items()},
        "responses": {name: _response(one, kinds.produces) for name, one in _members(document, "responses")},
        "securitySchemes": {name: _scheme(one) for name, one in _members(document, "securityDefinitions")},
    }
    made: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": document.get("info", {}),
        "servers": [{"url": url} for url in _servers(document)],
        "paths": {path: _item(node, document, kinds) for path, node in _members(document, "paths")},
        "components": components,
        **{key: document[key] for key in ("security", "tags") if key in document},
    }
    moved: dict[str, Any] = _moved(made)
    return moved


class _Kinds:
    """The media types that operations take and give where they do not say so themselves."""

    def __init__(self, node: Mapping[str, Any], outer: _Kinds | None = None) -> None:
        self.consumes: list[str] = _words(node, "consumes", outer.consumes if outer else [_JSON])
        self.produces: list[str] = _words(node, "produces", outer.produces if outer else [_JSON])


def _words(node: Mapping[str, Any], name: str, usual: list[str]) -> list[str]:
    found = node.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else usual


def _members(node: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    found = node.get(name)
    yield from found.items() if isinstance(found, Mapping) else ()


def _servers(document: Mapping[str, Any]) -> Iterator[str]:
    base = str(document.get("basePath", "")).rstrip("/")
    host = document.get("host")
    schemes = _words(document, "schemes", ["https"])
    if not isinstance(host, str):
        yield base or "/"
        return
    for scheme in sorted(schemes, key=lambda one: one != "https"):
        if scheme in ("http", "https"):
            yield f"{scheme}://{host}{base}"


def _item(node: Any, document: Mapping[str, Any], kinds: _Kinds) -> Any:
    if not isinstance(node, Mapping):
        return node
    shared = [_found(one, document) for one in _list(node.get("parameters"))]
    item: dict[str, Any] = {key: value for key, value in node.items() if key == "$ref" or key.startswith("x-")}
    item["parameters"] = [_parameter(one) for one in shared if not _in_body(one)]
    for method in METHODS:
        if isinstance(node.get(method), Mapping):
            item[method] = _operation(node[method], [one for one in shared if _in_body(one)], document, kinds)
    return item


def _operation(
    node: Mapping[str, Any], shared: list[Any], document: Mapping[str, Any], outer: _Kinds
) -> dict[str, Any]:
    kinds = _Kinds(node, outer)
    own = [_found(one, document) for one in _list(node.get("parameters"))]
    named = {(str(one.get("name")), str(one.get("in"))) for one in own if isinstance(one, Mapping)}
    inherited = [one for one in shared if (str(one.get("name")), str(one.get("in"))) not in named]
    carried = [*inherited, *(one for one in own if _in_body(one))]
    dropped = ("parameters", "consumes", "produces", "responses", "schemes")
    made = {key: value for key, value in node.items() if key not in dropped}
    made["parameters"] = [_parameter(one) for one in own if not _in_body(one)]
    body = _body(carried, kinds.consumes)
    if body is not None:
        made["requestBody"] = body
    made["responses"] = {str(code): _response(one, kinds.produces) for code, one in _members(node, "responses")}
    return made


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _found(node: Any, document: Mapping[str, Any]) -> Any:
    """Return a parameter, or the one of the document that it refers to: where it belongs depends on its place."""
    reference = node.get("$ref") if isinstance(node, Mapping) else None
    if not isinstance(reference, str) or not reference.startswith("#/parameters/"):
        return node
    return dict(_members(document, "parameters")).get(reference.removeprefix("#/parameters/"), node)


def _in_body(node: Any) -> bool:
    return isinstance(node, Mapping) and node.get("in") in ("body", "formData")


def _parameter(node: Any) -> Any:
    if not isinstance(node, Mapping) or "$ref" in node:
        return node
    made = {key: value for key, value in node.items() if key not in _SCHEMA and key != "collectionFormat"}
    schema = _schema(node)
    if schema.get("type") == "array":
        style = _STYLES.get(str(node.get("collectionFormat", "csv")), {})
        made |= style if node.get("in") == "query" else {}
    return {**made, "schema": schema}


def _schema(node: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in node.items() if key in _SCHEMA}
    if schema.get("type") == "file":
        return {"type": "string", "format": "binary"}
    if isinstance(schema.get("items"), Mapping):
        schema["items"] = _schema(schema["items"])
    return schema


def _body(parameters: list[Any], consumes: list[str]) -> dict[str, Any] | None:
    """Return the request body that parameters in a body, or in a form, stand for."""
    whole = next((one for one in parameters if one.get("in") == "body"), None)
    if whole is not None:
        schema = whole.get("schema", {})
        kinds = [kind for kind in consumes if kind not in _FORMS] or [_JSON]
        return {
            "required": whole.get("required") is True,
            "content": {kind: {"schema": schema} for kind in kinds},
            **({"description": whole["description"]} if "description" in whole else {}),
        }
    fields = {str(one.get("name")): one for one in parameters}
    if not fields:
        return None
    files = any(one.get("type") == "file" for one in fields.values())
    kind = next((one for one in consumes if one in _FORMS), _FORMS[0])
    needed = [name for name, one in fields.items() if one.get("required") is True]
    properties = {
        name: {**_schema(one), **({"description": one["description"]} if "description" in one else {})}
        for name, one in fields.items()
    }
    schema = {"type": "object", "properties": properties, **({"required": needed} if needed else {})}
    encoding = {
        name: {"style": "form", **_STYLES.get(str(one.get("collectionFormat", "csv")), {})}
        for name, one in fields.items()
        if one.get("type") == "array"
    }
    media = {"schema": schema, **({"encoding": encoding} if encoding else {})}
    return {"required": bool(needed), "content": {_FORMS[1] if files else kind: media}}


def _response(node: Any, produces: list[str]) -> Any:
    if not isinstance(node, Mapping) or "$ref" in node:
        return node
    made: dict[str, Any] = {"description": node.get("description", "")}
    schema = node.get("schema")
    if isinstance(schema, Mapping):
        if schema.get("type") == "file":
            kinds = [kind for kind in produces if kind != _JSON] or ["application/octet-stream"]
            made["content"] = {kind: {} for kind in kinds}
        else:
            kinds = produces or [_JSON]
            made["content"] = {kind: {"schema": schema} for kind in kinds}
    return made


def _scheme(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    if node.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if node.get("type") != "oauth2":
        return node
    flow = {"implicit": "implicit", "password": "password", "application": "clientCredentials"}
    name = flow.get(str(node.get("flow")), "authorizationCode")
    kept = {key: node[key] for key in ("authorizationUrl", "tokenUrl", "scopes") if key in node}
    return {"type": "oauth2", "flows": {name: kept}}


def _moved(node: Any) -> Any:
    """Return *node* with its references leading to where things are now."""
    if isinstance(node, list):
        return [_moved(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: _moved(value) for key, value in node.items()}
    if node.get("x-nullable") is True and "type" in node:
        made["nullable"] = True
    reference = node.get("$ref")
    if isinstance(reference, str):
        for old, new in _MOVED.items():
            if reference.startswith(old):
                made["$ref"] = new + reference.removeprefix(old)
    return made
