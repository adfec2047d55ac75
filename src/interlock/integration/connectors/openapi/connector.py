"""Calls to a system with an OpenAPI document, over the pooled HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest, HttpResponse
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
from interlock.values.secrets import MASK

PROBE_TIMEOUT = 5.0
SHORTEST = 8  # characters of a credential that is looked for in answers; a shorter one may be an ordinary word


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
        headers = {"Accept": "application/json"}
        try:
            url = template.url(arguments)
            body = template.fill(headers, arguments)
            if key and key_header:
                headers[key_header] = key
            unsigned = len(headers)
            self._sign(headers)
            credentials = _credentials(list(headers.values())[unsigned:])
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
        return interpret(_without(response, credentials), effect, template.results)

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


def _credentials(signed: list[str]) -> list[bytes]:
    """Return what of the headers that say who we are must never come back: the part after a scheme's name."""
    texts = [value.rpartition(" ")[2] for value in signed]
    return [text.encode() for text in texts if len(text) >= SHORTEST]


def _without(response: HttpResponse, credentials: list[bytes]) -> HttpResponse:
    """Return *response* with our own credentials masked, should the system repeat them."""
    body = response.body
    for credential in credentials:
        if credential in body:
            body = body.replace(credential, MASK.encode())
    return response if body is response.body else replace(response, body=body)
