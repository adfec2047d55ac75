"""Calls to a REST system, over the pooled HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest, HttpResponse
from interlock.foundation.http.rests import used_up
from interlock.integration.connectors import masking
from interlock.integration.connectors.interface import SUCCEEDED, Answer, Ports, SystemDeclaration, failed, unsent
from interlock.integration.connectors.signing import signer
from interlock.integration.connectors.templates import Unsendable
from interlock.integration.connectors.web.answers import broken, interpret
from interlock.integration.connectors.web.gathering import Asked, Gathering
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

UNAUTHORIZED = 401
LEAST_TIMEOUT = 0.001


@dataclass(frozen=True, slots=True)
class Call:
    """How one operation is called: *values* makes what *template* takes of the arguments, *meaning* reads the answer.

    *values* may raise `Unsendable`; *pages* are those that the binding of a list describes.
    """

    template: RequestTemplate
    meaning: Callable[[HttpResponse, Effect], Answer]
    values: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    pages: Mapping[str, Any] | None = None


class WebConnector:
    """One system behind one address. Keeps no state of its own: connections belong to the shared client."""

    def __init__(self, system: SystemDeclaration, base_url: str, calls: Mapping[str, Call], ports: Ports) -> None:
        self._http = ports.http
        self._signer = signer(system.connection.get("auth"), ports.secrets, ports.http)
        self._base_url = base_url
        self._probe_path: str = system.connection.get("health", "")
        self._max_bytes = system.limits.response
        self._operations = {
            name: (system.operations[name].effect, system.operations[name].idempotency_header, call)
            for name, call in calls.items()
        }
        self._gatherings = {
            name: Gathering(call.pages, f"{system.name}.{name}", base_url, self._max_bytes)
            for name, call in calls.items()
            if call.pages is not None
        }

    async def open(self) -> None:
        """Nothing to do: the client is open."""

    async def close(self) -> None:
        """Nothing to do: the client is shared."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        gathering = self._gatherings.get(operation)
        if gathering is None:
            return (await self._ask(operation, key, arguments, timeout)).answer
        return await gathering.call(arguments, partial(self._ask, operation, key), timeout)

    async def _ask(self, operation: str, key: str, arguments: Mapping[str, Any], timeout: float) -> Asked:
        effect, key_header, called = self._operations[operation]
        template = called.template
        headers = {"Accept": template.accept}
        try:
            values = called.values(arguments)
            url = template.url(values)
            body = template.fill(headers, values)
        except Unsendable as error:
            return Asked(failed("argument_unsendable", str(error), sent=False))
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            return Asked(failed("argument_unsendable", "an argument cannot be written as JSON", sent=False))
        if key and key_header:
            headers[key_header] = key
        try:
            response = await self._send(template.method, url, headers, body, timeout)
        except Unsendable as error:
            return Asked(failed("argument_unsendable", str(error), sent=False))
        except HttpFailure as failure:
            return Asked(broken(failure, effect))
        except InterlockError as error:
            return Asked(unsent(error))
        answer, rest = called.meaning(response, effect), used_up(response.headers)
        return Asked(replace(answer, rest=rest) if rest else answer, url, response)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> HttpResponse:
        """Send a request with what says who we are; once more, with something newer, where that was not accepted.

        The first was surely not carried out then. All of it takes *timeout* seconds at most.
        """
        until = asyncio.get_running_loop().time() + timeout
        response, signed = await self._signed(method, url, headers, body, until)
        if response.status == UNAUTHORIZED and self._signer.refused(signed):
            response, _ = await self._signed(method, url, headers, body, until)
        return response

    async def _signed(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, until: float
    ) -> tuple[HttpResponse, Mapping[str, str]]:
        """Return the answer, which does not repeat what says who we are, and the headers that were sent."""
        clock = asyncio.get_running_loop().time
        await self._signer.ready(until - clock())
        signed = dict(headers)
        self._signer.sign(signed)
        address = self._signer.address(url)
        secret = [value for name, value in signed.items() if headers.get(name) != value]
        if address is not url or "Cookie" in signed:  # where a secret stands behind the last sign of equality
            secret += [text.rpartition("=")[2] for text in (address, signed.get("Cookie", ""))]
        left = max(until - clock(), LEAST_TIMEOUT)
        response = await self._http.send(HttpRequest(method, address, signed, body, left, self._max_bytes))
        return masking.without(response, masking.credentials(secret)), signed

    async def probe(self, *, timeout: float) -> Answer:
        """Ask for `health` of the connection, or else the root; any answer below 500 shows that it is
        there.
        """
        url = self._base_url.rstrip("/") + (self._probe_path or "/")
        try:
            response = await self._send("GET", url, {"Accept": "*/*"}, None, timeout)
        except HttpFailure as failure:
            return broken(failure, Effect.read)
        except InterlockError as error:
            return unsent(error)
        healthy = response.status < (300 if self._probe_path else 500) and response.status != 401
        return Answer(SUCCEEDED) if healthy else interpret(response, Effect.read, {})

    async def definitions(self) -> None:
        """What the project says is all there is; the live system publishes nothing."""
        return
