"""What the operations of webhooks are: two over what a system sent, and events of one kind that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid, closed, options_of, schemas_of
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Contract, Definition
from interlock.values.operations import Effect

PAGE, MOST_ON_A_PAGE = 20, 200
_ID = {"type": "string", "pattern": "^evt_[0-9a-z]{26}$", "description": "the house's own id of an event"}
_ABOUT: dict[str, Any] = {
    "id": _ID,
    "key": {"type": "string", "description": "the system's own id of it"},
    "type": {"type": "string"},
    "subject": {"type": "string"},
    "time": {"type": "string", "description": "when it happened, as the system says"},
    "received": {"type": "string", "format": "date-time"},
}
_WHOLE: dict[str, Any] = {
    "type": "object",
    "properties": {**_ABOUT, "data": {"description": "what the system sent"}},
    "required": [*_ABOUT, "data"],
    "additionalProperties": False,
}
_PAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": _ABOUT,
                "required": list(_ABOUT),
                "additionalProperties": False,
            },
        }
    },
    "required": ["events"],
    "additionalProperties": False,
}
_LIST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "types": {"type": "array", "items": {"type": "string", "maxLength": 300}, "maxItems": 20},
        "before": {**_ID, "description": "only events before this one"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE},
    },
    "additionalProperties": False,
}
_GET: dict[str, Any] = {
    "type": "object",
    "properties": {"id": _ID},
    "required": ["id"],
    "additionalProperties": False,
}
_FORMS = {
    "list": (_LIST, _PAGE, "Events that came, newest first, without their contents."),
    "get": (_GET, _WHOLE, "An event that came, with its contents."),
}


_SENT = closed(
    {
        "id": {"type": "string", "description": "the event's id, which its receiver tells repeats by"},
        "status": {"type": "integer", "minimum": 200, "maximum": 299, "description": "what the receiver answered"},
    },
    ("id", "status"),
)
_SENDING = Contract(
    closed(
        {
            "type": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            "subject": {"type": "string", "pattern": "^(/[^/]*)+$", "maxLength": 200},
        },
        ("type",),
    )
)


def define(operation: OperationDeclaration, connection: Mapping[str, Any], source: str) -> Definition:
    """Return the definition of one operation of a system; *source* is what its events say that they come from.

    Raises `OperationInvalid`.
    """
    if operation.origin == "send":
        if "to" not in connection:
            raise OperationInvalid("sends, so the connection needs `to`: where to, and what to sign with")
        return _sending(operation, connection["to"], source)
    if operation.origin in _FORMS and "signature" not in connection:
        raise OperationInvalid("reads what came, so the connection needs `signature`: how the sender signs")
    return reading(operation)


def _sending(operation: OperationDeclaration, to: Mapping[str, Any], source: str) -> Definition:
    if operation.effect is Effect.read:
        raise OperationInvalid("sends an event, so its effect is write or irreversible", "effect")
    if operation.idempotency_header:
        raise OperationInvalid("`webhook-id` is made of the action's key, and is the only one", "idempotency")
    options = options_of(operation, _SENDING)
    if "subject" in options and to.get("format") != "cloudevents":
        raise OperationInvalid("subject is for the format cloudevents", "options")
    schema, output = schemas_of(operation)
    if output is not None:
        raise OperationInvalid("is not declared: what comes back is the event's id and the status", "output_schema")
    letter = {"type": options["type"], "format": to.get("format", "standard"), "source": to.get("source", source)}
    binding = {"verb": "send", "letter": {**letter, "subject": options.get("subject", "")}}
    return Definition(schema, _SENT, binding, f"Send an event of the type {options['type']}.")


def reading(operation: OperationDeclaration) -> Definition:
    """Return the definition of an operation over what came. Raises `OperationInvalid`."""
    if operation.origin not in _FORMS:
        raise OperationInvalid("must be `list` or `get` of what comes, or `send`")
    if operation.effect is not Effect.read:
        raise OperationInvalid("reads what came, so its effect is read", "effect")
    arguments, output, description = _FORMS[operation.origin]
    return Definition(arguments, output, {"verb": operation.origin}, description)
