"""The operations that the office's files declare, and a call of each against its real programs in this process."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs
import yaml

from examples.office.services.office import MORNING, make_app, seeds
from examples.office.services.records import Clock, Records
from interlock.integration.connectors.openapi.document import load_document
from interlock.integration.connectors.openapi.flattening import define
from interlock.integration.connectors.web.request import RequestTemplate

ROOT = Path(__file__).resolve().parents[3] / "examples" / "office"
SYSTEMS = ("mail", "calendar", "files", "payments", "chat")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Declared:
    """One operation: its settings, the schema of its arguments and of its result, and how a call is written."""

    name: str
    settings: Mapping[str, Any]
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]
    request: RequestTemplate

    @property
    def consequential(self) -> bool:
        return self.settings["effect"] != "read" or "sink" in self.settings

    def faults(self, arguments: Mapping[str, Any]) -> list[str]:
        """What is wrong with a call's arguments."""
        validator = jsonschema_rs.Draft202012Validator(dict(self.arguments))
        return [f"{self.name}: {error.message}" for error in validator.iter_errors(dict(arguments))]

    def result_faults(self, result: object) -> list[str]:
        """What is wrong with a result."""
        validator = jsonschema_rs.Draft202012Validator(dict(self.result))
        return [f"{self.name}: {error.message}" for error in validator.iter_errors(result)]


@cache
def declared() -> dict[str, Declared]:
    """Return every operation of the project by its full name."""
    found: dict[str, Declared] = {}
    for system in SYSTEMS:
        settings = document_at(f"systems/{system}.yaml")
        document = load_document(ROOT / settings["connection"]["spec"])
        for name, operation in settings["operations"].items():
            header = operation.get("idempotency", {}).get("header", "").lower()
            definition = define(document, document.find(operation["from"]), ours=frozenset({("header", header)}))
            template = RequestTemplate(definition.binding, f"http://office.invalid/{system}")
            full = f"{system}.{name}"
            found[full] = Declared(full, operation, definition.input_schema, definition.output_schema or {}, template)
    return found


class Office:
    """The office's programs as they are on the first morning, with everything in memory."""

    def __init__(self) -> None:
        self.records = Records(":memory:", Clock(dt.datetime.fromisoformat(MORNING)))
        self.records.seed(seeds())
        self._app = make_app(self.records)

    def call(self, operation: Declared, arguments: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the status and the body that a call is answered with."""
        headers: dict[str, str] = {}
        body = operation.request.fill(headers, arguments) or b""
        return asyncio.run(self._ask(operation.request.method, operation.request.url(arguments), headers, body))

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return int(sent[0]["status"]), json.loads(content)


@cache
def document_at(path: str) -> dict[str, Any]:
    """Return a YAML file of the project."""
    document: dict[str, Any] = yaml.load((ROOT / path).read_bytes(), Loader=LOADER)
    return document


def scenarios(name: str) -> dict[str, Any]:
    """Return one file of `attacks/`."""
    return document_at(f"attacks/{name}.yaml")


def steps_of(scenario: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls of a task or goal, each with its operation."""
    return [(operation, arguments or {}) for step in scenario["steps"] for operation, arguments in step.items()]
