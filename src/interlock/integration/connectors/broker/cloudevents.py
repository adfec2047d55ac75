"""CloudEvents 1.0: an event as a message, in binary mode (attributes are headers) or structured mode (all is JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from interlock.integration.connectors.bodies import NumberTooLarge, whole
from interlock.integration.connectors.errors import DeliveryUnfit

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch"
JSON = "application/json"
VERSION = "1.0"
_PREFIXES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
"""How the bindings for HTTP and NATS, for Kafka, and for AMQP mark an attribute."""


def structured(attributes: Mapping[str, str], data: Any) -> tuple[str, dict[str, str], bytes]:
    """Return content type, headers and body of an event in structured mode."""
    return STRUCTURED, {}, orjson.dumps({**attributes, "data": data})


def binary(attributes: Mapping[str, str], data: Any) -> tuple[str, dict[str, str], bytes]:
    """Return content type, headers and body of an event in binary mode."""
    headers = {name: value for name, value in attributes.items() if name != "datacontenttype"}
    return attributes["datacontenttype"], headers, orjson.dumps(data)


MODES = {"binary": binary, "structured": structured}


def read_event(headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, Any], Any]:
    """Return the attributes and the data of the event that a message is. Raises `DeliveryUnfit`."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith(BATCH):
        raise DeliveryUnfit("the message holds a batch of events", fix="let each event be a message of its own")
    attributes: Mapping[str, Any] = attributes_of(headers)
    if attributes:
        if content_type and content_type != JSON and not content_type.endswith("+json"):
            raise DeliveryUnfit("the event's data is not JSON", fix="send JSON, and say so in the content type")
        data = read_json(body)
    else:
        attributes = read_json(body)
        if not isinstance(attributes, dict):
            raise DeliveryUnfit("the message is no CloudEvent", fix="send CloudEvents 1.0, or declare `format: json`")
        if "data_base64" in attributes:
            raise DeliveryUnfit("the event's data is not JSON", fix="send JSON as `data`")
        data = attributes.get("data")
    if attributes.get("specversion") != VERSION:
        raise DeliveryUnfit("the message is no CloudEvent of version 1.0", fix="compare `specversion`")
    return attributes, data


def read_json(body: bytes) -> Any:
    """Return the JSON value that *body* is. Raises `DeliveryUnfit`."""
    try:
        return whole(body)
    except NumberTooLarge as error:
        raise DeliveryUnfit(f"the body {error}", fix="let the system send it as a text") from None
    except ValueError:
        raise DeliveryUnfit("the body is not JSON", fix="let the system send JSON") from None


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that travel as headers, without their prefix."""
    return {
        name.removeprefix(prefix): value
        for name, value in headers.items()
        for prefix in _PREFIXES
        if name.startswith(prefix)
    }
