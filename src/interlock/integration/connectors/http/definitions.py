"""From a request that is described by hand to an operation's definition."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from interlock.integration.connectors.declared import (
    OperationInvalid,
    arguments_of,
    options_of,
    schemas_of,
    usual_values,
)
from interlock.integration.connectors.http.values import JSON
from interlock.integration.connectors.interface import OperationDeclaration, SystemDeclaration
from interlock.integration.connectors.pointers import POINTER
from interlock.integration.connectors.templates import Template, TemplateInvalid
from interlock.integration.connectors.web.bodies import URLENCODED
from interlock.integration.connectors.web.paging import PAGES, hidden, paged
from interlock.integration.connectors.web.settings import NEVER_A_READ, signing_headers
from interlock.integration.contracts import Contract, Definition, SchemaInvalid
from interlock.values.operations import Effect

_SINGLE: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_NAMED: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": 200},
    "additionalProperties": {"anyOf": [_SINGLE, {"type": "array", "items": _SINGLE}]},
}
_TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"
_TEXT = {"type": "string", "pattern": "^[\\x20-\\x7e]*$", "maxLength": 1000}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": _NAMED,
        "headers": {
            "type": "object",
            "propertyNames": {"pattern": _TOKEN},
            "additionalProperties": _TEXT,
        },
        "json": {"type": ["object", "array", "string"]},
        "form": _NAMED,
        "expect": {
            "type": "array",
            "items": {"type": "integer", "minimum": 200, "maximum": 399},
            "minItems": 1,
            "uniqueItems": True,
        },
        "answer": {"enum": ["json", "text", "bytes", "none"]},
        "result": POINTER,
        "refused": {"type": "object", "minProperties": 1},
        "words": {"type": "array", "items": POINTER, "minItems": 1, "maxItems": 5},
        "answer_headers": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
            "additionalProperties": {"type": "string", "pattern": _TOKEN},
        },
        "pages": PAGES,
    },
    "not": {"required": ["json", "form"]},
    "additionalProperties": False,
}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\x00-\x20\x7f?#\\]*)")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}")
_CLIMBS = re.compile(r"/\.{1,2}(?:/|$)")
_WITHOUT_BODY = frozenset({"GET", "DELETE"})
_OURS = frozenset(
    {"authorization", "connection", "content-length", "cookie", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
_SECRET = frozenset({"authentication-info", "proxy-authenticate", "set-cookie", "www-authenticate"})
_ANSWERED = ("refused", "words", "answer_headers")
_WRITTEN = {"accept": "Accept", "content-type": "Content-Type"}


def define(operation: OperationDeclaration, system: SystemDeclaration) -> Definition:
    """Return the definition of *operation* of *system*. Raises `OperationInvalid`."""
    method, path = _request(operation)
    options = options_of(operation, _FITS)
    arguments, (schema, output) = arguments_of(operation), schemas_of(operation)
    options = {**options, **_by_default(method, path, options, arguments)}
    _headers(operation, system, options)
    _answered(options)
    if JSON in options and method == "GET":
        raise OperationInvalid("json: GET has no body; use `query`", "options")
    values = {f"path {name}": f"{{{name}}}" for name in _PLACE.findall(path)}
    parameters = [_parameter("path", name) for name in _PLACE.findall(path)]
    headers = {_WRITTEN.get(name.lower(), name): value for name, value in options.get("headers", {}).items()}
    for place, given in (("query", options.get("query", {})), ("header", headers)):
        values |= {f"{place} {name}": value for name, value in given.items()}
        parameters += [_parameter(place, name) for name in given]
    values |= {f"form {name}": value for name, value in options.get("form", {}).items()}
    values |= {JSON: options[JSON]} if JSON in options else {}
    _all_used(values, arguments)
    usual = usual_values(arguments)
    _always_given(path, schema, usual)
    binding: dict[str, Any] = {
        "method": method,
        "path": path,
        "parameters": parameters,
        "values": values,
        "usual": usual,
        "results": {"2XX": options.get("answer", "json")},
        "expect": sorted(options.get("expect", ())),
        "result": options.get("result", ""),
        **{name: options[name] for name in _ANSWERED if name in options},
    }
    if JSON in options:
        binding["body"] = {"argument": JSON}
    elif "form" in options:
        members = {f"form {name}": name for name in options["form"]}
        binding["body"] = {"form": URLENCODED, "members": members, "required": True}
    definition = Definition(schema, output, binding, str(operation.settings.get("description", "")))
    return _paged(definition, operation, options) if "pages" in options else definition


def _paged(definition: Definition, operation: OperationDeclaration, options: Mapping[str, Any]) -> Definition:
    """Return the definition of an operation that lists. Raises `OperationInvalid`."""
    if options.get("result") or options.get("answer", "json") != "json":
        raise OperationInvalid("pages: they are found in a JSON answer by `pages.items`; leave `result` out", "options")
    if "answer_headers" in options:
        raise OperationInvalid("answer_headers: a list that comes in pages has no place for them", "options")
    places = {f"{{{name}}}" for name in hidden(options["pages"])}
    found = {value: name for name, value in options.get("query", {}).items() if value in places}
    items = definition.output_schema or {"type": "array"}
    return paged(
        definition,
        options["pages"],
        operation.effect,
        {key: value for key, value in items.items() if key != "$defs"},
        lambda name: found.get(f"{{{name}}}", name),
    )


def _request(operation: OperationDeclaration) -> tuple[str, str]:
    """Return the method and the path that `from` names. Raises `OperationInvalid`."""
    match = _REQUEST.fullmatch(operation.origin)
    if match is None:
        raise OperationInvalid("must be a method and a path, such as `GET /orders/{id}`; a query goes into `options`")
    method, path = match[1], match[2]
    if "{" in (rest := _PLACE.sub("", path)) or "}" in rest:
        raise OperationInvalid("has braces that are no place for an argument, such as `{id}`")
    if _CLIMBS.search(path):
        raise OperationInvalid("has a segment `.` or `..`")
    if operation.effect is Effect.read and method in NEVER_A_READ:
        raise OperationInvalid(f"{method} changes things, so its effect cannot be `read`")
    return method, path


def _by_default(
    method: str, path: str, options: Mapping[str, Any], arguments: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return where arguments go of which nothing is said: by their own names, into the query or the JSON body."""
    if {"query", JSON, "form"} & options.keys():
        return {}
    placed = {*_PLACE.findall(path), *Template(options.get("headers", {})).places}
    rest = {name: f"{{{name}}}" for name in arguments if name not in placed}
    return {"query" if method in _WITHOUT_BODY else JSON: rest} if rest else {}


def _headers(operation: OperationDeclaration, system: SystemDeclaration, options: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for a header or a parameter that is set elsewhere."""
    key = {operation.idempotency_header.lower()} if operation.idempotency_header else set()
    taken = _OURS | signing_headers(system) | key
    names = [name.lower() for name in options.get("headers", {})]
    if len(set(names)) < len(names):
        raise OperationInvalid("headers: one is there twice", "options")
    for name, value in options.get("headers", {}).items():
        if name.lower() in taken:
            raise OperationInvalid(f"headers: {name} is set by Interlock or by `auth`", "options")
        if name.lower() == "content-type" and (JSON not in options or not value.endswith("json")):
            raise OperationInvalid("headers: Content-Type may only name a kind of JSON, for `json`", "options")
    auth = system.connection.get("auth")
    signed = (auth.get("api_key") or {}).get("query") if isinstance(auth, Mapping) else None
    if signed in options.get("query", {}):
        raise OperationInvalid(f"query: {signed} is set by `auth`", "options")


def _answered(options: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for a word about an answer that cannot be."""
    form = options.get("answer", "json")
    if "refused" in options:
        if form != "json":
            raise OperationInvalid("refused: needs an answer in JSON", "options")
        try:
            Contract(options["refused"])
        except SchemaInvalid as error:
            raise OperationInvalid(f"refused: is no JSON Schema: {error}", "options") from None
    for name in options.get("answer_headers", {}).values():
        if form not in {"json", "none"}:
            raise OperationInvalid("answer_headers: need an answer in JSON, or none", "options")
        if name.lower() in _SECRET:
            raise OperationInvalid(f"answer_headers: {name} may hold a secret", "options")


def _parameter(place: str, name: str) -> dict[str, str]:
    return {"argument": f"{place} {name}", "in": place, "name": name}


def _all_used(values: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for a place that nothing fills, and for an argument that has no place or a wrong one."""
    try:
        places = Template(values).places
    except TemplateInvalid as error:
        raise OperationInvalid(f"json {error}", "options") from None
    if unknown := places - arguments.keys():
        key = "from" if f"path {min(unknown)}" in values else "options"
        raise OperationInvalid(f"has a place {{{min(unknown)}}}, which `input` does not declare", key)
    if unused := arguments.keys() - places:
        raise OperationInvalid(f"declares {min(unused)!r}, for which the request has no place", "input")
    elsewhere = Template({name: value for name, value in values.items() if name != JSON}).places
    for name in sorted(elsewhere):
        if isinstance(arguments[name], Mapping) and arguments[name].get("type") == "object":
            raise OperationInvalid(f"{name!r} is an object, which only a JSON body can carry", "input")


def _always_given(path: str, schema: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for an argument of the path that may be left out."""
    for name in _PLACE.findall(path):
        if name not in schema.get("required", ()) and name not in usual:
            raise OperationInvalid(f"must require {name!r}, which is a part of the path", "input")
