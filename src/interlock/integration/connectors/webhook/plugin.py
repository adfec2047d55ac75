"""The `webhook` connector: what a system sends is proven, taken once, and read; what it is sent is signed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import duration
from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.bodies import DEEPEST, LONGEST, NumberTooLarge, deeper, whole
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.errors import DeliveryUnfit, DeliveryUnproven
from interlock.integration.connectors.interface import (
    Connector,
    Description,
    Ports,
    SecretSource,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.receiving import Arrival, Delivery
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.connectors.webhook import survey
from interlock.integration.connectors.webhook.connector import WebhookConnector
from interlock.integration.connectors.webhook.definitions import define
from interlock.integration.connectors.webhook.sending import Sender
from interlock.integration.connectors.webhook.signatures import signature_of
from interlock.integration.contracts import Definition

USUAL_TOLERANCE = "5m"
_POINTER = {"type": "string", "pattern": "^(/[^/]*)+$", "maxLength": 200}
_HEADER = {"type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"}
_CLOUDEVENT = {name: f"/{name}" for name in ("id", "type", "subject", "time", "data")}


class WebhookPlugin:
    """Describes from the declaration alone; proves what comes, reads what was taken, and signs what is sent."""

    name = "webhook"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "signature": {
                "type": "object",
                "properties": {
                    "scheme": {"enum": ["standard", "github", "stripe", "hmac", "token"]},
                    "secret": REFERENCE,
                    "previous": {**REFERENCE, "description": "the secret before, while both are in use"},
                    "header": {**_HEADER, "description": "for hmac and token: where the signature, or the token, is"},
                    "algorithm": {"enum": ["sha256", "sha384", "sha512"]},
                    "encoding": {"enum": ["hex", "base64"]},
                    "prefix": {"type": "string", "maxLength": 20, "description": "before the signature, as in sha256="},
                },
                "required": ["scheme", "secret"],
                "additionalProperties": False,
            },
            "tolerance": {"type": "string", "description": "how old a signature may be, by default 5m"},
            "format": {"enum": ["json", "cloudevents"], "description": "cloudevents: the structured mode of 1.0"},
            "id": {**_POINTER, "description": "where the body holds the event's id; by default that of the signature"},
            "type": {**_POINTER, "description": "where the body holds the event's type"},
            "subject": {**_POINTER, "description": "where it says what the event is about"},
            "time": {**_POINTER, "description": "where it says when"},
            "data": {**_POINTER, "description": "the part of the body that is kept; by default all of it"},
            "to": {
                "type": "object",
                "description": "where events are sent to, signed by Standard Webhooks",
                "properties": {
                    "url": {"type": "string", "pattern": "^https?://[^\\s#]+$", "maxLength": 2000},
                    "sign": {
                        "type": "object",
                        "properties": {
                            "secret": {**REFERENCE, "description": "a key: whsec_ shared, or whsk_ our own (Ed25519)"},
                            "previous": {**REFERENCE, "description": "the key before, while both are in use"},
                        },
                        "required": ["secret"],
                        "additionalProperties": False,
                    },
                    "format": {
                        "enum": ["standard", "cloudevents", "bare"],
                        "description": "standard: `type` and `data`; cloudevents: the structured mode; bare: the data",
                    },
                    "source": {"type": "string", "minLength": 1, "maxLength": 255, "description": "for cloudevents"},
                },
                "required": ["url", "sign"],
                "additionalProperties": False,
            },
        },
        "anyOf": [{"required": ["signature"]}, {"required": ["to"]}],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        troubles = list(_troubles(system.connection))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            try:
                definitions[name] = define(operation, system.connection, f"urn:interlock:{system.name}")
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:  # noqa: ARG002 - what comes to us has no address
        """Return that nothing is one by itself: it has to be said."""
        return False

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - nobody is asked
        """Return a receiver of events, or a sender. Raises `SourceUnfit`."""
        return survey.survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        sent = {name: one for name, one in definitions.items() if one.binding["verb"] == "send"}
        sender = Sender(system, sent, ports, time.time) if "to" in system.connection else None
        return WebhookConnector(system, definitions, ports.events, sender)

    def receive(self, system: SystemDeclaration, delivery: Delivery, secrets: SecretSource, now: float) -> Arrival:
        """Return the event of a delivery, as `Receiver` says."""
        connection = system.connection
        declared = connection.get("signature")
        if declared is None:
            raise DeliveryUnproven("the delivery is refused", why="this system is only sent events", fix="send none")
        known = [secrets.get(declared[name]) for name in ("secret", "previous") if name in declared]
        tolerance = duration(connection.get("tolerance", USUAL_TOLERANCE))
        signed = signature_of(declared, tolerance).prove(delivery, known, now)
        try:
            body = whole(delivery.body)
        except NumberTooLarge as error:
            raise DeliveryUnfit(f"the body {error}", fix="let the system send it as a text") from None
        except ValueError:
            raise DeliveryUnfit("the body is not JSON", fix="let the system send JSON") from None
        if deeper(body, DEEPEST):
            raise DeliveryUnfit(f"the body nests deeper than {DEEPEST} levels")
        places = _CLOUDEVENT if connection.get("format") == "cloudevents" else {}
        places = {name: connection.get(name, places.get(name, "")) for name in _CLOUDEVENT}
        key = _text(body, places["id"], "id") or signed
        if places["id"] and not key:
            raise DeliveryUnfit(f"the body has no id at {places['id']}", fix="compare `id` with what the system sends")
        if key and places["id"] and connection.get("format") == "cloudevents" and "id" not in connection:
            key = f"{_text(body, '/source', 'source')} {key}".strip()  # which together tell an event from all others
        is_there, data = found_at(body, places["data"])
        if not is_there and "data" in connection:
            detail = f"the body has nothing at {places['data']}, which is to be kept of it"
            raise DeliveryUnfit(detail, fix="compare `data` with what the system sends")
        if not is_there and isinstance(body, dict) and "data_base64" in body:
            raise DeliveryUnfit("the event's data is binary, which is not taken", fix="let the system send JSON")
        return Arrival(
            # What is not signed with an id of its own is told from others by what was signed.
            key=key or hashlib.sha256(delivery.body).hexdigest(),
            type=_text(body, places["type"], "type"),
            subject=_text(body, places["subject"], "subject"),
            time=_text(body, places["time"], "time"),
            data=data,
        )


def _troubles(connection: Mapping[str, Any]) -> list[Trouble]:
    found = _sending_troubles(connection["to"]) if "to" in connection else []
    declared = connection.get("signature")
    if declared is None:
        foreign = sorted({"tolerance", "format", *_CLOUDEVENT} & connection.keys())
        return found + [Trouble(f"/connection/{name}", "is for what comes, with `signature`") for name in foreign]
    if declared["scheme"] in {"hmac", "token"} and "header" not in declared:
        found.append(Trouble("/connection/signature", "needs `header`: where the signature, or the token, is"))
    elif declared["scheme"] not in {"hmac", "token"} and "header" in declared:
        found.append(Trouble("/connection/signature/header", f"is fixed by the scheme {declared['scheme']}"))
    if declared["scheme"] != "hmac":
        found += [
            Trouble(f"/connection/signature/{name}", "is for the scheme hmac")
            for name in ("algorithm", "encoding", "prefix")
            if name in declared
        ]
    try:
        if duration(connection.get("tolerance", USUAL_TOLERANCE)) > 3600:
            found.append(Trouble("/connection/tolerance", "must be an hour or less: what is older may be replayed"))
    except QuantityInvalid as error:
        found.append(Trouble("/connection/tolerance", f"{error.what}; {error.fix}"))
    return found


def _sending_troubles(to: Mapping[str, Any]) -> list[Trouble]:
    found = []
    try:
        parts = urlsplit(to["url"])
        hosted, credentials = bool(parts.hostname) and parts.port != 0, parts.username or parts.password
    except ValueError:
        hosted, credentials = False, None
    if not hosted:
        found.append(Trouble("/connection/to/url", "names no host"))
    if credentials:
        found.append(Trouble("/connection/to/url", "must not hold credentials: who sends is proven by the signature"))
    if "source" in to and to.get("format") != "cloudevents":
        found.append(Trouble("/connection/to/source", "is for the format cloudevents"))
    return found


def _text(body: Any, pointer: str, name: str) -> str:
    found = found_at(body, pointer)[1] if pointer else None
    if found is None or isinstance(found, bool):
        return ""
    if not isinstance(found, (str, int, float)) or len(str(found)) > LONGEST:
        raise DeliveryUnfit(f"the body's {name} at {pointer} is no text of at most {LONGEST} signs")
    return str(found)


plugin = WebhookPlugin()
"""The entry point."""
