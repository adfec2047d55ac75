"""The OpenAPI 3.1 document of a facade, for those of its endpoints that a caller may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.integration.facades import Endpoint, Facade

JSON, PROBLEM = "application/json", "application/problem+json"
_REFUSALS = {
    "403": "Refused by policy; the reasons say by which rule.",
    "404": "The system does not know what was asked for.",
    "409": "It conflicts with the system's present state, or was withdrawn.",
    "422": "The arguments do not fit, or the system refused them.",
    "429": "Called too often; `Retry-After` says when to come back.",
    "502": "The system failed.",
    "503": "The system is busy, or left alone for a while because it keeps failing.",
    "504": "The system did not answer in time; nothing was changed.",
}
_STANDING = {
    "type": "object",
    "required": ["action", "state", "reasons"],
    "properties": {
        "action": {"type": "string"},
        "state": {"enum": ["waiting", "executing", "in_doubt", "drafted", "shadowed"]},
        "waiting_for": {"type": "array", "items": {"type": "string"}},
        "reasons": {"type": "array", "items": {"type": "object"}},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "action": {"type": "string"},
        "reasons": {"type": "array", "items": {"type": "object"}},
    },
}
_HEADERS = (
    ("Interlock-Session", "The session in which the call is made; by default one of its own."),
    ("Idempotency-Key", "Makes a repeated call the same action."),
)


def openapi(facade: Facade, endpoints: Iterable[Endpoint], address: str) -> dict[str, Any]:
    """Return the document; *address* is where the facade's paths begin."""
    components: dict[str, Any] = {"Standing": _STANDING, "Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": facade.title, "version": facade.version, "description": facade.description},
        "servers": [{"url": address}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, components: dict[str, Any]) -> dict[str, Any]:
    given = _lifted(endpoint.input_schema, f"{endpoint.name}.in.", components)
    described: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.description.strip().partition("\n")[0],
        "description": endpoint.description.strip(),
        "parameters": [*_parameters(endpoint, given), *_headers(endpoint)],
        "responses": {"200": _done(endpoint, components), "202": _pending(), **_refused()},
    }
    if endpoint.method in ("POST", "PUT", "PATCH"):
        rest = [name for name in given["properties"] if name not in endpoint.parameters]
        required = [name for name in given.get("required", ()) if name in rest]
        body = {
            "type": "object",
            "properties": {name: given["properties"][name] for name in rest},
            "additionalProperties": False,
        }
        schema = {**body, "required": required} if required else body
        described["requestBody"] = {"required": bool(required), "content": {JSON: {"schema": schema}}}
    return described


def _parameters(endpoint: Endpoint, given: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    in_body = endpoint.method in ("POST", "PUT", "PATCH")
    required = given.get("required", ())
    for name, schema in given["properties"].items():
        if name in endpoint.parameters:
            yield {"name": name, "in": "path", "required": True, "schema": schema}
        elif not in_body:
            yield {"name": name, "in": "query", "required": name in required, "schema": schema}


def _headers(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for name, text in _HEADERS[: 1 if endpoint.reads else 2]:
        yield {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}


def _done(endpoint: Endpoint, components: dict[str, Any]) -> dict[str, Any]:
    schema = endpoint.output_schema(endpoint.compiled.operation.output_schema)
    shown = _lifted(schema, f"{endpoint.name}.out.", components) if schema is not None else {}
    return {"description": "Done.", "content": {JSON: {"schema": shown}}}


def _pending() -> dict[str, Any]:
    return {
        "description": "Taken, and not done, or not known to be done: `Location` says where to look.",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Standing"}}},
    }


def _refused() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": text, "content": {PROBLEM: {"schema": schema}}} for status, text in _REFUSALS.items()
    }


def _lifted(schema: Mapping[str, Any], prefix: str, components: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with its definitions among the document's components: there, `#` is the document."""
    for word in ("$defs", "definitions"):
        for name, node in schema.get(word, {}).items():
            components[prefix + name] = _moved(node, prefix)
    plain = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    moved: dict[str, Any] = _moved(plain, prefix)
    return moved


def _moved(node: Any, prefix: str) -> Any:
    if isinstance(node, list):
        return [_moved(one, prefix) for one in node]
    if not isinstance(node, Mapping):
        return node
    moved = {key: _moved(value, prefix) for key, value in node.items()}
    reference = node.get("$ref")
    for word in ("#/$defs/", "#/definitions/"):
        if isinstance(reference, str) and reference.startswith(word):
            moved["$ref"] = f"#/components/schemas/{prefix}{reference.removeprefix(word)}"
    return moved
