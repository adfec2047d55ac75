"""Calls to a system that speaks GraphQL, over the pooled HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.foundation.http.rests import used_up
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import authentication
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.graphql.answers import interpret
from interlock.integration.connectors.graphql.definitions import define, parse_documents, pick
from interlock.integration.connectors.graphql.introspection import introspect
from interlock.integration.connectors.graphql.schema import SchemaInvalid
from interlock.integration.connectors.interface import Answer, Ports, SystemDeclaration, failed, unsent
from interlock.integration.connectors.web.answers import broken
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from graphql import GraphQLSchema

HEADERS = {
    "Accept": "application/graphql-response+json, application/json;q=0.9",
    "Content-Type": "application/json",
}


class GraphqlConnector:
    """One system behind one address. Keeps no state of its own: connections belong to the shared client."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> None:
        connection = system.connection
        self._http = ports.http
        self._url: str = connection["url"]
        self._sign = authentication(connection.get("auth"), ports.secrets).sign
        self._refusals = frozenset(connection.get("refusals", ()))
        self._scalars: Mapping[str, Any] = connection.get("scalars", {})
        self._max_bytes = system.limits.response
        self._operations = {name: (system.operations[name], one.binding) for name, one in definitions.items()}

    async def open(self) -> None:
        """Nothing to do: the client is open."""

    async def close(self) -> None:
        """Nothing to do: the client is shared."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        declared, binding = self._operations[operation]
        extra = {declared.idempotency_header: key} if key and declared.idempotency_header else {}
        content = {"query": binding["document"], "variables": dict(arguments)}
        if binding["operation"]:
            content["operationName"] = binding["operation"]
        return await self._send(content, extra, declared.effect, binding["field"], timeout)

    async def probe(self, *, timeout: float) -> Answer:
        """Ask for the name of the type of queries, which every server knows and nothing depends on."""
        return await self._send({"query": "{__typename}"}, {}, Effect.read, "", timeout)

    async def definitions(self) -> Mapping[str, Definition] | None:
        """Return what the documents mean by the live schema; None where the system does not tell its schema."""
        headers = dict(HEADERS)
        try:
            self._sign(headers)
        except InterlockError as error:
            raise SystemUnreachable("the system cannot be asked for its schema", why=error.what) from error
        found = await introspect(self._http, self._url, headers)
        return None if found is None else await asyncio.to_thread(self._live, found[1])

    def _live(self, schema: GraphQLSchema) -> dict[str, Definition]:
        live: dict[str, Definition] = {}
        for name, (declared, binding) in self._operations.items():
            try:
                document = pick(parse_documents(binding["document"]), binding["operation"])
                live[name] = define(schema, document, declared.effect, self._scalars)
            except SchemaInvalid:
                continue  # as good as gone
        return live

    async def _send(
        self, content: Mapping[str, Any], extra: Mapping[str, str], effect: Effect, field: str, timeout: float
    ) -> Answer:
        headers = {**HEADERS, **extra}
        try:
            body = orjson.dumps(content)
            unsigned = len(headers)
            self._sign(headers)
        except orjson.JSONEncodeError:
            return failed("argument_unsendable", "an argument cannot be written as JSON", sent=False)
        except InterlockError as error:
            return unsent(error)
        hidden = masking.credentials(list(headers.values())[unsigned:])
        try:
            response = await self._http.send(HttpRequest("POST", self._url, headers, body, timeout, self._max_bytes))
        except HttpFailure as failure:
            return broken(failure, effect)
        answer, rest = (
            interpret(masking.without(response, hidden), effect, field, self._refusals),
            used_up(response.headers),
        )
        return replace(answer, rest=rest) if rest else answer
