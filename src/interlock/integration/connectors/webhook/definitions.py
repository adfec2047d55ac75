"""The two operations over what a system sent."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
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


def define(operation: OperationDeclaration) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    if operation.origin not in _FORMS:
        raise OperationInvalid("must be `list` or `get`")
    if operation.effect is not Effect.read:
        raise OperationInvalid("reads what came, so its effect is read", "effect")
    arguments, output, description = _FORMS[operation.origin]
    return Definition(arguments, output, {"verb": operation.origin}, description)
