"""The OpenAPI 3.1 document, made from the same routes that the server answers."""

from __future__ import annotations

import re
from typing import Any

from interlock import __version__
from interlock.experience.api import (
    actions,
    administration,
    approvals,
    escalations,
    jobs,
    journal,
    operations,
    sessions,
    triggers,
    turns,
    usage,
)
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.schemas import COMPONENTS
from interlock.values.errors import registered_errors

ROUTES: tuple[Route, ...] = (
    *sessions.ROUTES,
    *operations.ROUTES,
    *actions.ROUTES,
    *approvals.ROUTES,
    *escalations.ROUTES,
    *jobs.ROUTES,
    *journal.ROUTES,
    *administration.ROUTES,
    *usage.ROUTES,
    *turns.ROUTES,
    *triggers.ROUTES,
)

_ALWAYS = ("unauthenticated", "request_malformed", "request_invalid", "scope_missing", "request_too_large")
_BODY = ("media_type_unsupported",)


def openapi(public_url: str = "") -> dict[str, Any]:
    """Return the document. Every capability of the product is one of its paths."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Interlock",
            "version": __version__,
            "description": "The control layer between AI and the systems that run a business.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    if public_url:
        document["servers"] = [{"url": public_url}]
    return document


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "tags": [route.path.split("/")[2]],
        "parameters": [*_path_parameters(route.path), *(_parameter(parameter) for parameter in route.parameters)],
        "responses": {
            str(route.status): {
                "description": "Done.",
                "content": {
                    "application/json": {"schema": {"$ref": f"#/components/schemas/{route.response}"}},
                },
            },
            **_problems(route),
        },
    }
    if route.scope:
        operation["x-interlock-scopes"] = sorted(route.scopes)
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": route.body}},
        }
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": False,
        "description": parameter.text,
        "schema": parameter.schema,
    }


def _problems(route: Route) -> dict[str, Any]:
    known = registered_errors()
    by_status: dict[int, list[str]] = {}
    for code in (*_ALWAYS, *(_BODY if route.body is not None else ()), *route.errors):
        if code in known:
            by_status.setdefault(known[code].status, []).append(code)
    return {
        str(status): {
            "description": "One of: " + ", ".join(codes) + ".",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, codes in sorted(by_status.items())
    }
