"""The `openapi` connector: operations picked from a local OpenAPI 3.0 or 3.1 document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.interface import (
    Connector,
    Description,
    OperationDeclaration,
    Ports,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.openapi.connector import OpenApiConnector
from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument, load_document
from interlock.integration.connectors.openapi.flattening import define
from interlock.integration.connectors.openapi.survey import recognises, survey
from interlock.integration.connectors.signing import SIGNING_SCHEMA
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

_NEVER_A_READ = frozenset({"PUT", "PATCH", "DELETE"})


class OpenApiPlugin:
    """Describes from the document, calls over HTTP."""

    name = "openapi"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "string",
                "minLength": 1,
                "description": "the OpenAPI document (JSON or YAML), a file of the project",
            },
            "base_url": {
                "type": "string",
                "minLength": 1,
                "description": "where the system listens; by default the document's first server",
            },
            "health": {
                "type": "string",
                "pattern": "^/",
                "description": "a path whose GET answers 2xx when all is well",
            },
            "auth": SIGNING_SCHEMA,
        },
        "required": ["spec"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        file = local_file(root, system.connection["spec"])
        if file is None:
            return Description(
                {}, (Trouble("/connection/spec", "must be a file of the project, given relative to it"),)
            )
        try:
            document = load_document(file)
        except DocumentInvalid as error:
            return Description({}, (Trouble("/connection/spec", str(error)),))
        troubles = list(_address(system, document))
        definitions: dict[str, Definition] = {}
        signing = _signing_headers(system)
        server = "" if "base_url" in system.connection else document.server()
        for name, declaration in system.operations.items():
            try:
                definitions[name] = _definition(document, declaration, signing, server)
            except DocumentInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* begins like a document of OpenAPI."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - a document is asked, no system
        """Return every operation of a document. Raises `SourceUnfit`."""
        return survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        return OpenApiConnector(system, definitions, ports)


def _definition(
    document: OpenApiDocument, declaration: OperationDeclaration, signing: frozenset[str], server: str
) -> Definition:
    """Return one operation's definition; *server* is the document's own address where that is the one called."""
    if not declaration.origin:
        raise DocumentInvalid("names no operation of the document; write `from: METHOD /path` or an operationId")
    found = document.find(declaration.origin)
    if declaration.effect is Effect.read and found.method in _NEVER_A_READ:
        raise DocumentInvalid(f"{found.method} changes things, so its effect cannot be `read`")
    key = {declaration.idempotency_header.lower()} if declaration.idempotency_header else set()
    definition = define(document, found, headers=signing | key)
    if server:
        definition = replace(definition, binding={**definition.binding, "server": server})
    return definition


def _signing_headers(system: SystemDeclaration) -> frozenset[str]:
    auth = system.connection.get("auth")
    key = auth.get("api_key") if isinstance(auth, Mapping) else None
    header = key.get("header") if isinstance(key, Mapping) else None
    return frozenset({header.lower()}) if isinstance(header, str) else frozenset()


def _address(system: SystemDeclaration, document: OpenApiDocument) -> list[Trouble]:
    base_url = system.connection.get("base_url") or document.server()
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        place = "/connection/base_url" if "base_url" in system.connection else "/connection"
        return [Trouble(place, "needs `base_url`, an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble("/connection/base_url", "must not hold credentials; use `auth` with a reference to a secret")]
    if parts.query or parts.fragment:
        return [Trouble("/connection/base_url", "must not have a query or a fragment")]
    return []


def local_file(root: Path, name: str) -> Path | None:
    """Return the file *name* of the project in *root*, or None if it lies outside."""
    file = (root / name).resolve()
    return file if file.is_relative_to(root.resolve()) else None


plugin = OpenApiPlugin()
"""The entry point."""
