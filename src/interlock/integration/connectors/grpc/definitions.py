"""From a method of a service to an operation's definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.foundation.contracts import Contract
from interlock.integration.connectors.grpc.descriptors import Descriptors, DescriptorsInvalid
from interlock.integration.connectors.grpc.schemas import Received, Sent, reachable, schema_of
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
from interlock.values.digests import digest
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, MethodDescriptor

DESCRIPTION_LENGTH = 2000
USUAL_MESSAGES = 100
MOST_MESSAGES = 10_000
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {"messages": {"type": "integer", "minimum": 1, "maximum": MOST_MESSAGES}},
    "additionalProperties": False,
}
"""The JSON Schema of `options` of an operation."""
VALUE = "value"
"""The one argument of a method whose message has no object for its JSON form."""
_NO_SIDE_EFFECTS = 1  # `MethodOptions.IdempotencyLevel`


class OptionsInvalid(ValueError):
    """An operation's `options` cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Binding:
    """How an operation is called. *messages* is how many are read of a stream, 0 where one message answers."""

    path: str
    wrapped: bool
    messages: int

    @classmethod
    def of(cls, binding: Mapping[str, Any]) -> Binding:
        """Return what `Definition.binding` says."""
        return cls(binding["method"], binding["wrapped"], binding["messages"])


def define(descriptors: Descriptors, declared: OperationDeclaration, comments: Mapping[str, str]) -> Definition:
    """Return the definition of the declared operation. Raises `DescriptorsInvalid`, `OptionsInvalid`."""
    method = descriptors.method(declared.origin)
    unfit(method)
    if method.GetOptions().idempotency_level == _NO_SIDE_EFFECTS and declared.effect is not Effect.read:
        raise DescriptorsInvalid("has no side effects, so its effect is `read`")
    messages = _messages(method, declared)
    given = schema_of(method.input_type, Sent(), comments)
    wrapped = given.get("type") != "object"
    if wrapped:
        given = {"type": "object", "properties": {VALUE: given}, "required": [VALUE], "additionalProperties": False}
    return Definition(
        given,
        _result(schema_of(method.output_type, Received(), comments), messages),
        {
            "method": f"/{method.containing_service.full_name}/{method.name}",
            "wrapped": wrapped,
            "messages": messages,
            "wire": digest([_wire(method.input_type), _wire(method.output_type)]),
        },
        comments.get(method.full_name, "")[:DESCRIPTION_LENGTH],
    )


def unfit(method: MethodDescriptor) -> None:
    """Raise `DescriptorsInvalid` where no single call can be made of *method*."""
    if method.client_streaming:
        raise DescriptorsInvalid("takes a stream of messages, and a call sends one; declare another method")


def _messages(method: MethodDescriptor, declared: OperationDeclaration) -> int:
    options = declared.settings.get("options") or {}
    if breaches := Contract(OPTIONS).breaches(options):
        raise OptionsInvalid(f"{breaches[0].pointer} {breaches[0].reason}".strip())
    if not method.server_streaming:
        if options:
            raise OptionsInvalid("mean nothing here: the method answers with one message")
        return 0
    return int(options.get("messages", USUAL_MESSAGES))


def _result(one: dict[str, Any], messages: int) -> dict[str, Any]:
    if not messages:
        return one
    definitions = one.pop("$defs", None)
    schema = {
        "type": "object",
        "properties": {
            "messages": {"type": "array", "items": one, "maxItems": messages},
            "complete": {"type": "boolean", "description": "whether these are all: the system ended the stream"},
        },
        "required": ["complete", "messages"],
        "additionalProperties": False,
    }
    return schema | ({"$defs": definitions} if definitions else {})


def _wire(message: Descriptor) -> Any:
    """Return what the bytes of *message* depend on, which no schema shows: numbers and types."""
    known = reachable(message) or {message.full_name: message}
    return [
        [
            name,
            sorted([field.number, field.type, bool(field.is_repeated), _referred(field)] for field in one.fields),
            sorted(
                [field.number, *([value.name, value.number] for value in field.enum_type.values)]
                for field in one.fields
                if field.enum_type is not None
            ),
        ]
        for name, one in sorted(known.items())
    ]


def _referred(field: Any) -> str:
    return str(field.message_type.full_name) if field.message_type is not None else ""
