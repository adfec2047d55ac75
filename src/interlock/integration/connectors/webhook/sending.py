"""Sends events to an address that is declared, signed by Standard Webhooks 1.0, over the pooled HTTP client."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.foundation.http.rests import used_up
from interlock.integration.connectors.interface import SUCCEEDED, Answer, Ports, SystemDeclaration, failed, unsent
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.web.answers import broken, interpret
from interlock.integration.connectors.webhook.keys import KeyUnfit, key_of, signed_message
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

GONE = 410
LONGEST_SUBJECT = 300
_IDS = uuid.UUID("9f2b8c50-6c0e-5d0b-8b7e-3a1f5d4c7e21")
"""The name space of the ids of events, so that the same action's event has the same id, however often it is sent."""


def event_id(system: str, operation: str, key: str) -> str:
    """Return the id of the event that the action with this idempotency *key* sends; without a key, a new one."""
    return str(uuid.uuid5(_IDS, f"{system}.{operation}\0{key}") if key else uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Letter:
    """What one operation sends: an event of *type* in the *format* of the connection, about what stands at *subject*.

    Made of the arguments and the key alone, without the moment: sent again it is the same to the byte.
    """

    type: str
    format: str
    source: str
    subject: str = ""

    def body(self, identifier: str, data: Mapping[str, Any]) -> bytes:
        """Return the body. Raises `orjson.JSONEncodeError`."""
        if self.format == "bare":
            return orjson.dumps(data)
        if self.format == "standard":
            return orjson.dumps({"type": self.type, "data": data})
        event: dict[str, Any] = {"specversion": "1.0", "id": identifier, "source": self.source, "type": self.type}
        found = found_at(data, self.subject)[1] if self.subject else None
        if isinstance(found, (str, int, float)) and not isinstance(found, bool) and str(found):
            event["subject"] = str(found)[:LONGEST_SUBJECT]
        return orjson.dumps({**event, "datacontenttype": "application/json", "data": data})

    @property
    def content_type(self) -> str:
        """The media type of the body."""
        return "application/cloudevents+json" if self.format == "cloudevents" else "application/json"


class Sender:
    """The sending half of one system."""

    def __init__(
        self,
        system: SystemDeclaration,
        definitions: Mapping[str, Definition],
        ports: Ports,
        now: Callable[[], float],
    ) -> None:
        self._system = system.name
        self._to: Mapping[str, Any] = system.connection["to"]
        self._http, self._secrets, self._now = ports.http, ports.secrets, now
        self._most_bytes = system.limits.response
        self._letters = {name: Letter(**one.binding["letter"]) for name, one in definitions.items()}

    async def send(self, operation: str, data: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        """Send one event, once. Its receiver has taken it when it answers with a status from 200 to 299."""
        identifier, letter = event_id(self._system, operation, key), self._letters[operation]
        try:
            body = letter.body(identifier, data)
        except orjson.JSONEncodeError:
            return failed("argument_unsendable", "an argument cannot be written as JSON", sent=False)
        try:
            headers = self._signed(identifier, body) | {"Content-Type": letter.content_type, "Accept": "*/*"}
        except KeyUnfit as error:
            return failed("key_unfit", f"the key to sign with {error}", sent=False)
        except InterlockError as error:  # of the secrets
            return unsent(error)
        try:
            response = await self._http.send(
                HttpRequest("POST", self._to["url"], headers, body, timeout, self._most_bytes)
            )
        except HttpFailure as failure:
            return broken(failure, Effect.write)
        rest = used_up(response.headers)
        if 200 <= response.status < 300:
            return Answer(SUCCEEDED, {"id": identifier, "status": response.status}, rest=rest)
        if response.status == GONE:
            detail = "the receiver takes no more events at this address, and asks not to be sent any"
            return failed("receiver_gone", detail, status=GONE)
        answer = interpret(response, Effect.write, {})
        return replace(answer, rest=rest) if rest else answer

    async def probe(self, timeout: float) -> Answer:
        """Ask whether anybody is there, by a request that is safe (OPTIONS, RFC 9110) and brings no event."""
        request = HttpRequest("OPTIONS", self._to["url"], {"Accept": "*/*"}, None, timeout, self._most_bytes)
        try:
            response = await self._http.send(request)
        except HttpFailure as failure:
            return broken(failure, Effect.read)
        return Answer(SUCCEEDED) if response.status < 500 else interpret(response, Effect.read, {})

    def _signed(self, identifier: str, body: bytes) -> dict[str, str]:
        """Return the headers that sign a message: by both keys, while one replaces the other."""
        moment, declared = str(int(self._now())), self._to["sign"]
        message = signed_message(identifier, moment, body)
        keys = [key_of(self._secrets.get(declared[name])) for name in ("secret", "previous") if name in declared]
        return {
            "webhook-id": identifier,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(key.sign(message) for key in keys),
        }
