"""A program's OpenAPI document at work: its routes, and the check of every request against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
from starlette.requests import Request

from examples.office.services.problem import Problem

VERBS = ("get", "post", "put", "patch", "delete")
MAX_BODY = 256 * 1024


@dataclass(frozen=True)
class Ask:
    """One request, checked: parameters of path and query by name, and the members of its body."""

    values: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str) -> Any:
        return self.values.get(name)


class Operation:
    """One operation of a document."""

    def __init__(self, document: Mapping[str, Any], path: str, verb: str) -> None:
        item = document["paths"][path]
        settings = item[verb]
        self.name: str = settings["operationId"]
        self.path, self.verb = path, verb
        self.status = int(min(status for status in settings["responses"] if status.startswith("2")))
        declared = [*item.get("parameters", ()), *settings.get("parameters", ())]
        parameters = [_resolved(document, parameter) for parameter in declared]
        self.parameters = [(parameter, _validator(document, parameter["schema"])) for parameter in parameters]
        request = settings.get("requestBody")
        self.body = _validator(document, request["content"]["application/json"]["schema"]) if request else None
        self.body_needed = bool(request and request.get("required"))

    async def read(self, request: Request) -> tuple[Ask, str | None]:
        """Return the checked request and its idempotency key; or a `Problem` that names what is at fault."""
        faults: list[dict[str, str]] = []
        values: dict[str, Any] = {}
        known = {parameter["name"] for parameter, _ in self.parameters if parameter["in"] == "query"}
        faults += [{"pointer": name, "rule": "no such parameter"} for name in request.query_params if name not in known]
        for parameter, validator in self.parameters:
            place = {"path": request.path_params, "query": request.query_params, "header": request.headers}
            name, text = parameter["name"], place[parameter["in"]].get(parameter["name"])
            if text is None:
                if parameter.get("required"):
                    faults.append({"pointer": name, "rule": "required"})
                continue
            value = _typed(text, parameter["schema"])
            if not validator.is_valid(value):
                if parameter["in"] == "path":
                    raise Problem(404, "not-found", "There is no such record.")
                faults.append({"pointer": name, "rule": "schema"})
            values[name] = value
        body = await self._read_body(request, faults)
        if faults:
            raise Problem(422, "validation", "The request breaks its contract, see errors.", faults)
        key = values.pop("Idempotency-Key", None)
        return Ask(values, body), key

    async def _read_body(self, request: Request, faults: list[dict[str, str]]) -> dict[str, Any]:
        if self.body is None:
            return {}
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > MAX_BODY:
                raise Problem(413, "too-large", f"Send at most {MAX_BODY} bytes.")
        if not raw and not self.body_needed:
            return {}
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Problem(415, "not-json", "Send the body as application/json.")
        try:
            body = json.loads(bytes(raw))
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no half characters
            errors = list(self.body.iter_errors(body))
        except (ValueError, RecursionError) as cause:
            raise Problem(400, "malformed", "Send one JSON object in UTF-8.") from cause
        for error in errors:
            pointer = "".join(f"/{step}" for step in error.instance_path)
            faults.append({"pointer": pointer, "rule": str(error.schema_path[-1])})
        return body if isinstance(body, dict) else {}


def operations(path: Path) -> Iterator[Operation]:
    """Yield the operations of a document; paths without parameters come before those with."""
    document = json.loads(path.read_bytes())
    for place in sorted(document["paths"], key=lambda place: (place.count("{"), place)):
        for verb in VERBS:
            if verb in document["paths"][place]:
                yield Operation(document, place, verb)


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    found: Mapping[str, Any] = document["components"][kind][name]
    return found


def _validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """Return a parameter as its schema has it; what cannot be read as that stays a text."""
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") == "integer" and text.isascii() and text.lstrip("-").isdigit():
        return int(text)
    return text
