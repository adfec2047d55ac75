"""From a message of a broker to the event that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.bodies import DEEPEST, LONGEST, deeper
from interlock.integration.connectors.broker.cloudevents import read_event, read_json
from interlock.integration.connectors.broker.messages import Received
from interlock.integration.connectors.errors import DeliveryUnfit
from interlock.integration.connectors.receiving import Arrival
from interlock.integration.contracts import Contract


@dataclass(frozen=True, slots=True)
class Fitting:
    """What a subscription takes: *largest* bytes, CloudEvents or any JSON, and data that *contract* holds for."""

    largest: int
    cloudevents: bool = True
    contract: Contract | None = None

    def arrival(self, received: Received) -> Arrival:
        """Return the event that a message is. Raises `DeliveryUnfit`."""
        if len(received.body) > self.largest:
            raise DeliveryUnfit(f"the message is larger than {self.largest} bytes", fix="raise `limits.response`")
        try:
            attributes, data = (
                read_event(received.headers, received.body) if self.cloudevents else ({}, read_json(received.body))
            )
        except RecursionError:
            raise DeliveryUnfit(f"the message nests deeper than {DEEPEST} levels") from None
        if deeper(data, DEEPEST):
            raise DeliveryUnfit(f"the message nests deeper than {DEEPEST} levels")
        if self.contract is not None and not self.contract.holds(data):
            raise DeliveryUnfit("the event's data does not fit the subscription's schema", fix="compare the two")
        return Arrival(
            key=_key(attributes) if self.cloudevents else _short("key", received.key),
            type=_attribute(attributes, "type", needed=self.cloudevents),
            subject=_attribute(attributes, "subject"),
            time=_attribute(attributes, "time"),
            data=data,
        )


def _key(attributes: Mapping[str, Any]) -> str:
    """Return source and id, which together tell an event from all others; a source holds no space."""
    source, identifier = _attribute(attributes, "source", needed=True), _attribute(attributes, "id", needed=True)
    if any(sign.isspace() for sign in source):
        raise DeliveryUnfit("the event's source is no reference", fix="send a source as CloudEvents 1.0 asks for")
    return f"{source} {identifier}"


def _attribute(attributes: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    found = attributes.get(name)
    if found is None or found == "":
        if needed:
            raise DeliveryUnfit(f"the event has no {name}", fix="send what CloudEvents 1.0 asks for")
        return ""
    if not isinstance(found, str):
        raise DeliveryUnfit(f"the event's {name} is no text", fix="send what CloudEvents 1.0 asks for")
    return _short(name, found)


def _short(name: str, text: str) -> str:
    if len(text) > LONGEST or not text.isprintable():
        raise DeliveryUnfit(f"the event's {name} is no text of at most {LONGEST} printable signs")
    return text
