"""The `openapi` connector: operations picked from a local OpenAPI 3.0 or 3.1 document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid, options_of
from interlock.integration.connectors.interface import (
    Connector,
    Description,
    OperationDeclaration,
    Ports,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument, load_document
from interlock.integration.connectors.openapi.flattening import define
from interlock.integration.connectors.openapi.survey import recognises, survey
from interlock.integration.connectors.signing import SIGNING_SCHEMA
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.connectors.web.answers import interpret
from interlock.integration.connectors.web.connector import Call, WebConnector
from interlock.integration.connectors.web.paging import PAGES, items_of, paged
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.integration.connectors.web.settings import (
    BASE_URL,
    HEALTH,
    NEVER_A_READ,
    address_troubles,
    signing_headers,
    signing_pairs,
)
from interlock.integration.contracts import Contract, Definition
from interlock.values.operations import Effect

OPTIONS: dict[str, Any] = {"type": "object", "properties": {"pages": PAGES}, "additionalProperties": False}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)


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
                **BASE_URL,
                "description": f"{BASE_URL['description']}; by default the document's first server",
            },
            "health": HEALTH,
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
        signing = frozenset(("header", name) for name in signing_headers(system)) | signing_pairs(system)
        server = "" if "base_url" in system.connection else document.server()
        for name, declaration in system.operations.items():
            try:
                definitions[name] = _definition(document, declaration, signing, server)
            except DocumentInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", str(error)))
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* begins like a document of OpenAPI."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - a document is asked, no system
        """Return every operation of a document. Raises `SourceUnfit`."""
        return survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        own = next((str(definition.binding.get("server", "")) for definition in definitions.values()), "")
        base_url: str = system.connection.get("base_url", own)
        return WebConnector(
            system, base_url, {name: _call(one.binding, base_url) for name, one in definitions.items()}, ports
        )


def _call(binding: Mapping[str, Any], base_url: str) -> Call:
    meaning = partial(interpret, results=binding["results"])
    return Call(RequestTemplate(binding, base_url), meaning, dict, binding.get("pages"))


def _definition(
    document: OpenApiDocument, declaration: OperationDeclaration, signing: frozenset[tuple[str, str]], server: str
) -> Definition:
    """Return one operation's definition; *server* is the document's own address where that is the one called."""
    if not declaration.origin:
        raise DocumentInvalid("names no operation of the document; write `from: METHOD /path` or an operationId")
    found = document.find(declaration.origin)
    if declaration.effect is Effect.read and found.method in NEVER_A_READ:
        raise DocumentInvalid(f"{found.method} changes things, so its effect cannot be `read`")
    key = {("header", declaration.idempotency_header.lower())} if declaration.idempotency_header else set()
    definition = define(document, found, ours=signing | key)
    options = options_of(declaration, _FITS)
    if "pages" in options:
        definition = _paged(definition, options["pages"], declaration.effect)
    if server:
        definition = replace(definition, binding={**definition.binding, "server": server})
    return definition


def _paged(definition: Definition, pages: Mapping[str, Any], effect: Effect) -> Definition:
    """Return the definition of an operation that lists. Raises `OperationInvalid`."""
    if set(definition.binding["results"].values()) - {"json"}:
        raise OperationInvalid("pages: the operation answers with something else than JSON", "options")
    named = {one["argument"]: one["name"] for one in definition.binding["parameters"] if one["in"] == "query"}
    items = items_of(definition.output_schema, pages.get("items", ""))
    return paged(definition, pages, effect, items, lambda name: named.get(name, name))


def _address(system: SystemDeclaration, document: OpenApiDocument) -> list[Trouble]:
    if "base_url" in system.connection:
        return address_troubles(system.connection["base_url"], "/connection/base_url")
    return address_troubles(document.server(), "/connection")


def local_file(root: Path, name: str) -> Path | None:
    """Return the file *name* of the project in *root*, or None if it lies outside."""
    file = (root / name).resolve()
    return file if file.is_relative_to(root.resolve()) else None


plugin = OpenApiPlugin()
"""The entry point."""
