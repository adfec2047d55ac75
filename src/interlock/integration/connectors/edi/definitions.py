"""From `VERB TYPE` to an operation's definition."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.edi.inbox import MOST_REFUSED
from interlock.integration.connectors.edi.syntax import KINDS, Mapping
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
from interlock.values.digests import digest
from interlock.values.operations import Effect

VERBS = ("list", "get", "take", "send", "acknowledge")
PAGE = 50
MOST_ON_A_PAGE = 500
MOST_NOTED = 100

_TEXT = {"type": "string", "maxLength": 80}
_KEY = {
    "sender": {**_TEXT, "minLength": 1, "description": "who sent it, as the envelope says"},
    "interchange": {**_TEXT, "minLength": 1, "description": "the interchange's control number"},
    "group": {**_TEXT, "description": "the group's control number, where there are several"},
    "control": {**_TEXT, "minLength": 1, "description": "the message's own control number"},
}
_MESSAGE = {
    "type": "object",
    "description": "about the message itself",
    "properties": {
        **{name: {"type": "string"} for name in ("file", "type", "version", "sender", "receiver")},
        **{name: {"type": "string"} for name in ("interchange", "group", "control")},
        "taken": {"type": "boolean"},
        "unmapped": {
            "type": "array",
            "maxItems": MOST_NOTED,
            "items": {
                "type": "object",
                "properties": {"segment": {"type": "integer"}, "tag": {"type": "string"}},
                "required": ["segment", "tag"],
                "additionalProperties": False,
            },
            "description": "segments that the mapping does not name",
        },
        "problems": {
            "type": "array",
            "maxItems": MOST_NOTED,
            "items": {
                "type": "object",
                "properties": {
                    "segment": {"type": "integer"},
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                },
                "required": ["segment", "field", "reason"],
                "additionalProperties": False,
            },
            "description": "members that cannot be read; they are null",
        },
    },
    "required": [
        "file", "type", "version", "sender", "receiver", "interchange", "group", "control", "taken", "unmapped",
        "problems",
    ],
    "additionalProperties": False,
}  # fmt: skip
_REFUSED = {
    "type": "array",
    "maxItems": MOST_REFUSED,
    "description": "interchanges and messages that are not taken, with the segment and the reason",
    "items": {
        "type": "object",
        "properties": {
            "file": {"type": "string"},
            "segment": {"type": "integer", "minimum": 0},
            "tag": {"type": "string"},
            "reason": {"type": "string"},
            "interchange": {"type": "string"},
        },
        "required": ["file", "segment", "tag", "reason", "interchange"],
        "additionalProperties": False,
    },
}


def define(operation: OperationDeclaration, mappings: Members[str, Mapping], standard: str) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    verb, _, kind = operation.origin.partition(" ")
    if verb not in VERBS:
        raise OperationInvalid(f"must be a verb and a type, such as `list 850`; verbs are {', '.join(VERBS)}")
    reads = verb in {"list", "get"}
    if reads != (operation.effect is Effect.read):
        raise OperationInvalid(f"{verb} {'is a read' if reads else 'changes something'}, so its effect is another")
    if verb == "acknowledge":
        if KINDS.get(kind) != standard:
            known = ", ".join(name for name, one in KINDS.items() if one == standard)
            raise OperationInvalid(f"acknowledge takes one of {known}")
        return _acknowledge(kind)
    mapping = mappings.get(kind)
    if mapping is None or mapping.standard != standard:
        known = ", ".join(name for name, one in mappings.items() if one.standard == standard)
        raise OperationInvalid(f"there is no mapping for {kind or 'it'} in {standard}; there is one for {known}")
    binding = {"verb": verb, "type": kind, "mapping": digest([mapping.message, mapping.version, repr(mapping.entries)])}
    if verb == "send":
        output = _object({**_sent(), "control": {"type": "string"}})
        return Definition(mapping.schema(), output, binding, f"Write a {kind} into the outbox.")
    if verb == "list":
        return _list(mapping, binding)
    shown = _shown(mapping)
    if verb == "get":
        return Definition(_key(), shown, binding, f"One {kind} that was received.")
    output = {**shown, "properties": {**shown["properties"], "took": {"type": "boolean"}}}
    return Definition(_key(), output | {"required": [*shown["required"], "took"]}, binding, f"Take a {kind}, once.")


def _object(properties: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def _key() -> dict[str, Any]:
    return _object(dict(_KEY), ("sender", "interchange", "control"))


def _sent() -> dict[str, Any]:
    return {
        "interchange": {"type": "string"},
        "file": {"type": "string"},
        "sent": {"type": "boolean", "description": "false where it was sent before"},
    }


def _acknowledge(kind: str) -> Definition:
    arguments = _object({name: _KEY[name] for name in ("sender", "interchange")})
    output = _object({**_sent(), "verdict": {"enum": ["accepted", "partly accepted", "rejected"]}})
    return Definition(arguments, output, {"verb": "acknowledge", "type": kind}, f"Answer an interchange with {kind}.")


def _shown(mapping: Mapping) -> dict[str, Any]:
    properties = {**_nullable(mapping.schema())["properties"], "message": _MESSAGE}
    return _object(properties)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose members may be null, as what cannot be read is, and whose limits are not asserted."""
    if schema["type"] == "object":
        properties = {name: _nullable(one) for name, one in schema["properties"].items()}
        return _object(properties)
    if schema["type"] == "array":
        return {"type": "array", "items": _nullable(schema["items"])}
    return {"type": [schema["type"], "null"], **({"format": schema["format"]} if "format" in schema else {})}


def _list(mapping: Mapping, binding: dict[str, Any]) -> Definition:
    filters = {
        name: dict(one)
        for name, one in mapping.schema()["properties"].items()
        if one["type"] not in {"array", "object"}
    }
    properties: dict[str, Any] = {
        **filters,
        "taken": {"type": "boolean", "description": "only those that were taken, or were not"},
        "after": {"type": "string", "maxLength": 400, "description": "`next` of the page before"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE},
    }
    output = _object(
        {
            "messages": {"type": "array", "items": _shown(mapping)},
            "next": {"type": ["string", "null"]},
            "refused": _REFUSED,
            "duplicates": {"type": "array", "items": {"type": "string"}, "description": "files that repeat another"},
        }
    )
    binding |= {"filters": sorted(filters)}
    return Definition(_object(properties, ()), output, binding, f"The {mapping.message} messages received.")
