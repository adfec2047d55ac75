"""Calls to a system with an OpenAPI document, over the pooled HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import authentication
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    Ports,
    SystemDeclaration,
    failed,
)
from interlock.integration.connectors.openapi.answers import broken, interpret
from interlock.integration.connectors.openapi.request import RequestTemplate, Unsendable
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

PROBE_TIMEOUT = 5.0


class OpenApiConnector:
    """One system behind one address. Keeps no state of its own: connections belong to the shared client."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> None:
        self._http = ports.http
        self._sign = authentication(system.connection.get("auth"), ports.secrets).sign
        own = next((str(definition.binding.get("server", "")) for definition in definitions.values()), "")
        base_url: str = system.connection.get("base_url", own)
        self._base_url = base_url
        self._probe_path: str = system.connection.get("health", "")
        self._max_bytes = system.limits.response
        self._operations = {
            name: (
                declaration.effect,
                declaration.idempotency_header,
                RequestTemplate(definitions[name].binding, base_url),
            )
            for name, declaration in system.operations.items()
        }

    async def open(self) -> None:
        """Nothing to do: the client is open."""

    async def close(self) -> None:
        """Nothing to do: the client is shared."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        effect, key_header, template = self._operations[operation]
        headers = {"Accept": template.accept}
        try:
            url = template.url(arguments)
            body = template.fill(headers, arguments)
            if key and key_header:
                headers[key_header] = key
            unsigned = len(headers)
            self._sign(headers)
            credentials = masking.credentials(list(headers.values())[unsigned:])
        except Unsendable as error:
            return failed("argument_unsendable", str(error), sent=False)
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            return failed("argument_unsendable", "an argument cannot be written as JSON", sent=False)
        except InterlockError as error:
            return failed(error.code, error.what, sent=False)
        request = HttpRequest(template.method, url, headers, body, timeout, self._max_bytes)
        try:
            response = await self._http.send(request)
        except HttpFailure as failure:
            return broken(failure, effect)
        return interpret(masking.without(response, credentials), effect, template.results)

    async def probe(self) -> Answer:
        """Ask for `health` of the connection, or else the root; any answer below 500 shows that it is
        there.
        """
        headers = {"Accept": "*/*"}
        try:
            self._sign(headers)
            url = self._base_url.rstrip("/") + (self._probe_path or "/")
            response = await self._http.send(HttpRequest("GET", url, headers, None, PROBE_TIMEOUT, self._max_bytes))
        except HttpFailure as failure:
            return broken(failure, Effect.read)
        except InterlockError as error:
            return failed(error.code, error.what, sent=False)
        healthy = response.status < (300 if self._probe_path else 500) and response.status != 401
        return Answer(SUCCEEDED) if healthy else interpret(response, Effect.read, {})

    async def definitions(self) -> None:
        """A document in a file is all there is; the live system publishes nothing."""
        return
