"""Calls to a system that speaks SOAP, over the pooled HTTP client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import authentication
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    Ports,
    SecretSource,
    SystemDeclaration,
    failed,
    unsent,
)
from interlock.integration.connectors.soap.answers import Expected, interpret
from interlock.integration.connectors.soap.envelopes import (
    DigestToken,
    PlainToken,
    Token,
    addressing,
    transport_headers,
    wrapped,
)
from interlock.integration.connectors.soap.writing import ValueUnfit, Writer
from interlock.integration.connectors.web.answers import broken
from interlock.integration.connectors.web.answers import interpret as interpret_http
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect
from interlock.values.secrets import MASK, Secret

REFERENCE = "secret:"
_AWAY = frozenset({502, 503, 504})


class SoapConnector:
    """One system. Keeps no state of its own: connections belong to the shared client."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> None:
        connection = system.connection
        self._http = ports.http
        self._secrets = ports.secrets
        self._url: str = connection.get("url", "")
        self._sign = authentication(connection.get("auth"), ports.secrets).sign
        self._headers: Mapping[str, str] = connection.get("headers", {})
        self._soap_headers: Mapping[str, Any] = connection.get("soap_headers", {})
        self._security: Mapping[str, Any] = connection.get("security", {})
        self._addressing: bool = connection.get("addressing", False)
        self._refusals = frozenset(connection["refusals"]) if "refusals" in connection else None
        self._max_bytes = system.limits.response
        self._operations = {name: (system.operations[name], one.binding) for name, one in definitions.items()}

    async def open(self) -> None:
        """Nothing to do: the client is open."""

    async def close(self) -> None:
        """Nothing to do: the client is shared."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        declared, binding = self._operations[operation]
        url = self._url or binding["address"]
        revealed = _Revealed(self._secrets)
        headers = transport_headers(binding["soap"], binding["action"])
        try:
            body = self._envelope(binding, arguments, url, revealed)
            headers |= {name: revealed.filled(value) for name, value in self._headers.items()}
            unsigned = len(headers)
            self._sign(headers)
        except ValueUnfit as error:
            return failed("argument_unsendable", str(error), sent=False)
        except InterlockError as error:
            return unsent(error)
        hidden = [*masking.credentials(list(headers.values())[unsigned:]), *revealed.texts()]
        if key and declared.idempotency_header:
            headers[declared.idempotency_header] = key
        try:
            response = await self._http.send(HttpRequest("POST", url, headers, body, timeout, self._max_bytes))
        except HttpFailure as failure:
            return broken(failure, declared.effect)
        expected = Expected(declared.effect, binding["output"], binding["types"], self._refusals)
        answer = interpret(masking.without(response, hidden), expected)
        return replace(answer, output=_without(answer.output, [one.decode() for one in hidden]))

    async def probe(self, *, timeout: float) -> Answer:
        """Ask the address for its description, as most servers give it; any answer shows that somebody is there."""
        url = self._url or next((binding["address"] for _, binding in self._operations.values()), "")
        if not url:
            return Answer(SUCCEEDED)
        revealed, headers = _Revealed(self._secrets), {"Accept": "*/*"}
        try:
            headers |= {name: revealed.filled(value) for name, value in self._headers.items()}
            self._sign(headers)
            ask = url if "?" in url else f"{url}?wsdl"
            response = await self._http.send(HttpRequest("GET", ask, headers, None, timeout, self._max_bytes))
        except HttpFailure as failure:
            return Answer(SUCCEEDED) if failure.code == "response_too_large" else broken(failure, Effect.read)
        except InterlockError as error:
            return unsent(error)
        there = response.status not in _AWAY and response.status != 401
        return Answer(SUCCEEDED) if there else interpret_http(response, Effect.read, {})

    async def definitions(self) -> None:
        """A WSDL in a file is all there is: what the live system publishes would have to be fetched in parts."""
        return

    def _envelope(
        self, binding: Mapping[str, Any], arguments: Mapping[str, Any], url: str, revealed: _Revealed
    ) -> bytes:
        writer, asked = Writer(binding["types"]), binding["input"]
        body = None if asked is None else writer.element(asked["element"], asked["type"], arguments)
        return wrapped(binding["soap"], list(self._heads(binding, writer, url, revealed)), body)

    def _heads(self, binding: Mapping[str, Any], writer: Writer, url: str, revealed: _Revealed) -> Iterator[Element]:
        if self._addressing:
            yield from addressing(binding["addressing"] or binding["action"], url)
        if self._security:
            password = revealed.get(self._security["password"])
            yield _token(self._security).header(password, datetime.now(UTC))
        for name, shape in binding.get("headers", {}).items():
            value = revealed.filled(self._soap_headers[name])
            yield writer.element(shape["element"], shape["type"], value, (name,))


def _token(security: Mapping[str, Any]) -> Token:
    return (DigestToken if security.get("digest") else PlainToken)(security["username"])


class _Revealed:
    """The secrets of one call, so that they can be kept out of what comes back."""

    def __init__(self, secrets: SecretSource) -> None:
        self._secrets = secrets
        self._found: list[Secret] = []

    def get(self, reference: str) -> Secret:
        """Return the secret behind *reference*. Raises an `InterlockError` where there is none."""
        self._found.append(self._secrets.get(reference))
        return self._found[-1]

    def filled(self, value: Any) -> Any:
        """Return *value* with its references to secrets replaced."""
        if isinstance(value, Mapping):
            return {key: self.filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return self.get(value).reveal() if isinstance(value, str) and value.startswith(REFERENCE) else value

    def texts(self) -> list[bytes]:
        """Return what must not come back, the longest first."""
        found = {one.reveal().encode() for one in self._found if len(one.reveal()) >= masking.SHORTEST}
        return sorted(found, key=len, reverse=True)


def _without(value: Any, hidden: Sequence[str]) -> Any:
    """Return *value* with what is *hidden* masked: XML has many ways to write one text, JSON has read them all."""
    if isinstance(value, str):
        for text in hidden:
            value = value.replace(text, MASK)
        return value
    if isinstance(value, dict):
        return {key: _without(one, hidden) for key, one in value.items()}
    return [_without(one, hidden) for one in value] if isinstance(value, list) else value
