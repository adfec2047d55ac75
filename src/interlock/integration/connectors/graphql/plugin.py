"""The `graphql` connector: named operations of GraphQL documents, by a schema that is a file of the project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from interlock.integration.connectors.authentication import AUTHENTICATION_SCHEMA
from interlock.integration.connectors.graphql.connector import GraphqlConnector
from interlock.integration.connectors.graphql.definitions import define, parse_documents, pick
from interlock.integration.connectors.graphql.schema import SchemaInvalid, load_schema, read
from interlock.integration.connectors.graphql.survey import recognises, survey
from interlock.integration.connectors.interface import (
    Connector,
    Description,
    OperationDeclaration,
    Ports,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

if TYPE_CHECKING:
    from graphql import DocumentNode

_PACKAGES = Packages("graphql", "graphql", ("graphql",), {"graphql": "graphql-core"})
_FILE = {"type": "string", "minLength": 1}
_OUTSIDE = "must be a file of the project, given relative to it"


class GraphqlPlugin:
    """Describes from schema and documents, calls over HTTP."""

    name = "graphql"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 1, "description": "where the system takes GraphQL over HTTP"},
            "schema": {
                **_FILE,
                "description": "the schema (definition language, or JSON of an introspection), a file of the project",
            },
            "documents": {
                "type": "array",
                "items": _FILE,
                "minItems": 1,
                "description": "files of the project with the operations that `from` names, and their fragments",
            },
            "scalars": {
                "type": "object",
                "additionalProperties": {"type": "object"},
                "description": "a JSON Schema for each scalar of the system's own; any JSON is taken for the others",
            },
            "refusals": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "codes of errors by which the system says that a mutation changed nothing",
            },
            "auth": AUTHENTICATION_SCHEMA,
        },
        "required": ["url", "schema"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        if (missing := _PACKAGES.trouble()) is not None:
            return Description({}, (missing,))
        connection = system.connection
        troubles = _address(connection["url"])
        try:
            schema = load_schema(_local(root, connection["schema"]))
        except SchemaInvalid as error:
            return Description({}, (*troubles, Trouble("/connection/schema", str(error))))
        shared: list[str] = []
        for number, name in enumerate(connection.get("documents", ())):
            try:
                shared.append(_text(read(_local(root, name))))
                parse_documents(shared[-1])
            except SchemaInvalid as error:
                return Description({}, (*troubles, Trouble(f"/connection/documents/{number}", str(error))))
        definitions: dict[str, Definition] = {}
        for name, declared in system.operations.items():
            try:
                document = _document(name, declared, shared)
                definitions[name] = define(schema, document, declared.effect, connection.get("scalars", {}))
            except SchemaInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* begins like a schema of GraphQL."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return every field of the schema's queries and mutations. Raises `SourceUnfit`, `SystemUnreachable`."""
        _PACKAGES.check()
        return await survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        _PACKAGES.check()
        return GraphqlConnector(system, definitions, ports)


def _document(name: str, declared: OperationDeclaration, shared: list[str]) -> DocumentNode:
    """Return the operation that is declared, alone with its fragments. Raises `SchemaInvalid`."""
    if "{" in declared.origin:
        return pick(parse_documents(declared.origin), "")
    if not shared:
        raise SchemaInvalid("names no operation of `connection.documents`; list them there, or write the document here")
    return pick(parse_documents(*shared), declared.origin or name)


def _local(root: Path, name: str) -> Path:
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()):
        raise SchemaInvalid(_OUTSIDE)
    return file


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaInvalid("is not UTF-8") from error


def _address(url: str) -> list[Trouble]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [Trouble("/connection/url", "must be an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble("/connection/url", "must not hold credentials; use `auth` with a reference to a secret")]
    return []


plugin = GraphqlPlugin()
"""The entry point."""
