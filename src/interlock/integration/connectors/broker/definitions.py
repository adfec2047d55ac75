"""What the operations of a broker are: a message of one kind that is published, and what came."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from interlock.integration.connectors.broker.cloudevents import MODES
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.webhook.definitions import reading
from interlock.integration.contracts import Contract, Definition, SchemaInvalid
from interlock.values.operations import Effect

LONGEST_TOPIC = 255
LARGEST_SCHEMA = 1 << 20
_OPTIONS = {
    "publish": {"topic", "type", "schema", "subject", "mode", "partition"},
    "depth": {"topic"},
    "list": set[str](),
    "get": set[str](),
}
_RECEIPT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "the event's id"},
        "place": {"type": "string", "description": "where the broker keeps it, as far as it says"},
        "duplicate": {"type": "boolean", "description": "the broker had it before"},
    },
    "required": ["id", "place", "duplicate"],
    "additionalProperties": False,
}
_DEPTH = {
    "type": "object",
    "properties": {"messages": {"type": "integer", "minimum": 0}},
    "required": ["messages"],
    "additionalProperties": False,
}
_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


def define(operation: OperationDeclaration, connection: Mapping[str, Any], root: Path) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    verb, options = operation.origin, operation.settings.get("options") or {}
    if verb not in _OPTIONS:
        raise OperationInvalid(f"must be one of {', '.join(_OPTIONS)}", "from")
    if unknown := options.keys() - _OPTIONS[verb]:
        raise OperationInvalid(f"{verb} knows no option {', '.join(sorted(unknown))}", "options")
    if operation.idempotency_header:
        raise OperationInvalid("a message takes no header of yours; its id is made of the action's key", "idempotency")
    if verb in {"list", "get"}:
        return reading(operation)
    if (verb == "depth") != (operation.effect is Effect.read):
        raise OperationInvalid("publish has an effect, and depth is a read", "effect")
    topic = topic_of(options.get("topic"))
    if verb == "depth":
        return Definition(_NOTHING, _DEPTH, {"verb": verb, "topic": topic}, f"How many messages {topic} holds.")
    return _publishing(options, connection, topic, root)


def _publishing(options: Mapping[str, Any], connection: Mapping[str, Any], topic: str, root: Path) -> Definition:
    if any(sign in topic for sign in "*>") and connection["broker"] == "nats":
        raise OperationInvalid("topic must name one subject to publish to, without * and >", "options")
    binding = {
        "verb": "publish",
        "topic": topic,
        "type": _text(options, "type"),
        "mode": options.get("mode", "binary"),
        "subject": _pointer(options, "subject"),
        "partition": _pointer(options, "partition"),
    }
    if not binding["type"]:
        raise OperationInvalid("needs `type`: the event's type, such as com.acme.order.placed", "options")
    if binding["mode"] not in MODES:
        raise OperationInvalid(f"mode must be one of {', '.join(MODES)}", "options")
    if binding["partition"] and connection["broker"] != "kafka":
        raise OperationInvalid("partition is for Kafka", "options")
    if "schema" not in options:
        raise OperationInvalid(
            "needs `schema`: a JSON Schema of what is published, or a file of the project with one", "options"
        )
    schema = schema_of(options["schema"], root)
    if schema.get("type") != "object":
        raise OperationInvalid("schema must describe an object: its `type` is `object`", "options")
    return Definition(schema, _RECEIPT, binding, f"Publish an event of the type {binding['type']}.")


def topic_of(written: Any) -> str:
    """Return the topic that is *written*. Raises `OperationInvalid`."""
    if not isinstance(written, str) or not written or len(written) > LONGEST_TOPIC or not written.isprintable():
        raise OperationInvalid(f"needs `topic`, a text of at most {LONGEST_TOPIC} signs", "options")
    if any(sign.isspace() for sign in written):
        raise OperationInvalid("topic must not hold spaces", "options")
    return written


def schema_of(written: Any, root: Path) -> dict[str, Any]:
    """Return the JSON Schema that is *written*, itself or as a file's name below *root*. Raises `OperationInvalid`."""
    if isinstance(written, str):
        file = (root / written).resolve()
        if not file.is_relative_to(root.resolve()):
            raise OperationInvalid("schema must be a file of the project, given relative to it", "options")
        try:
            with file.open("rb") as stream:
                written = orjson.loads(stream.read(LARGEST_SCHEMA))
        except OSError as error:
            raise OperationInvalid(f"schema cannot be read: {error.strerror}", "options") from None
        except orjson.JSONDecodeError:
            raise OperationInvalid("schema is not JSON, or larger than a megabyte", "options") from None
    if not isinstance(written, dict):
        raise OperationInvalid("schema must be a JSON Schema, or a file of the project with one", "options")
    try:
        Contract(written)
    except SchemaInvalid as error:
        raise OperationInvalid(f"schema is none: {error}", "options") from None
    return written


def _text(options: Mapping[str, Any], name: str) -> str:
    written = options.get(name, "")
    if not isinstance(written, str) or len(written) > LONGEST_TOPIC or (written and not written.isprintable()):
        raise OperationInvalid(f"{name} must be a text of at most {LONGEST_TOPIC} signs", "options")
    return written


def _pointer(options: Mapping[str, Any], name: str) -> str:
    written = _text(options, name)
    if written and not written.startswith("/"):
        raise OperationInvalid(f"{name} must be a place in what is published, such as /order/number", "options")
    return written
