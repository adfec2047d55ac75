"""Messages as JSON Schemas, by the JSON form that Protocol Buffers define ("ProtoJSON").

64-bit integers are texts, bytes are base64, enums are the names of their values, members are named in lowerCamelCase,
and the well-known types of `google.protobuf` have forms of their own. A message that may hold itself becomes a
reference into `$defs`, as do all where the schema would be too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from interlock.integration.connectors.grpc.descriptors import OWN, DescriptorsInvalid

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

DESCRIPTION_LENGTH = 500
MOST_MESSAGES = 2000
MOST_MEMBERS = 20_000
MOST_INLINED = 2000  # members of one schema; with more, every message is a reference
DEEPEST_INLINED = 30
LARGEST_CHOICE = 25

_FLOAT = 3.4028234663852886e38
_SIGNED = "^(0|-?[1-9][0-9]{0,18})$"
_UNSIGNED = "^(0|[1-9][0-9]{0,19})$"
_INT32: dict[str, Any] = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_UINT32: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_INT64: dict[str, Any] = {"type": "string", "pattern": _SIGNED, "description": "a whole number, as a text"}
_UINT64: dict[str, Any] = {**_INT64, "pattern": _UNSIGNED}
_STRING: dict[str, Any] = {"type": "string"}
_BOOL: dict[str, Any] = {"type": "boolean"}
_BYTES: dict[str, Any] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
# By `FieldDescriptorProto.Type`; messages, groups and enums are looked at one by one.
_DOUBLE, _FLOATING, _GROUP, _MESSAGE, _ENUM = 1, 2, 10, 11, 14
_SCALARS: dict[int, dict[str, Any]] = {
    3: _INT64,
    4: _UINT64,
    5: _INT32,
    6: _UINT64,
    7: _UINT32,
    8: _BOOL,
    9: _STRING,
    12: _BYTES,
    13: _UINT32,
    15: _INT32,
    16: _INT64,
    17: _INT32,
    18: _INT64,
}
_KEYS: dict[int, dict[str, Any]] = {
    **{kind: {"pattern": _SIGNED} for kind in (3, 5, 15, 16, 17, 18)},
    **{kind: {"pattern": _UNSIGNED} for kind in (4, 6, 7, 13)},
    8: {"enum": ["true", "false"]},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "type.googleapis.com/ and the message's full name"}},
    },
    "Duration": {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$", "description": "seconds: 1.5s"},
    "Empty": {"type": "object", "properties": {}, "additionalProperties": False},
    "FieldMask": {"type": "string", "description": "names of members, separated by commas"},
    "ListValue": {"type": "array"},
    "Struct": {"type": "object"},
    "Timestamp": {"type": "string", "format": "date-time"},
    "Value": {},
    "BoolValue": _BOOL,
    "BytesValue": _BYTES,
    "Int32Value": _INT32,
    "Int64Value": _INT64,
    "StringValue": _STRING,
    "UInt32Value": _UINT32,
    "UInt64Value": _UINT64,
}


class Direction(Protocol):
    """In what a message that we send differs from one that we get."""

    def number(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema of a floating-point number that *schema* bounds."""
        ...

    def required(self, field: FieldDescriptor) -> bool:
        """Return whether *field* is always there."""
        ...

    def choices(self, message: Descriptor) -> dict[str, Any]:
        """Return the keywords that let at most one member of each `oneof` be there."""
        ...


class Sent:
    """What we send is what the description knows, and finite."""

    def number(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "number", **schema}

    def required(self, field: FieldDescriptor) -> bool:
        return bool(field.is_required)

    def choices(self, message: Descriptor) -> dict[str, Any]:
        # No `oneOf`: models' providers refuse schemas that have one at the top.
        rules: dict[str, Any] = {}
        for group in message.oneofs:
            names = [field.json_name for field in group.fields]
            if len(names) <= LARGEST_CHOICE:  # what is not said here is still refused when the message is written
                rules |= {n: {"properties": dict.fromkeys(names[i + 1 :], False)} for i, n in enumerate(names[:-1])}
        return {"dependentSchemas": rules} if rules else {}


class Received:
    """What we get has every member that cannot be absent.

    Each value has one type, for policies can say nothing of others: NaN, infinity and values of an enum that are not
    described, which ProtoJSON writes as texts and numbers, break the contract.
    """

    def number(self, schema: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - what came is bounded by its type
        return {"type": "number"}

    def required(self, field: FieldDescriptor) -> bool:
        return bool(field.is_required) or not field.has_presence

    def choices(self, message: Descriptor) -> dict[str, Any]:  # noqa: ARG002 - no message can hold two of them
        return {}


def schema_of(message: Descriptor, direction: Direction, comments: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole schema of *message*. Raises `DescriptorsInvalid`."""
    known = reachable(message)
    try:
        return _Bundle(known, _circular(known), direction, comments).whole(message, MOST_INLINED)
    except _TooMuch:
        pass
    try:
        return _Bundle(known, frozenset(known), direction, comments).whole(message, MOST_MEMBERS)
    except _TooMuch:
        raise DescriptorsInvalid(f"has a message of more than {MOST_MEMBERS} members") from None


def reachable(message: Descriptor) -> dict[str, Descriptor]:
    """Return *message* and all messages that it may hold, by full names; the well-known ones are not among them.

    Raises `DescriptorsInvalid`.
    """
    found: dict[str, Descriptor] = {}
    waiting = [message]
    while waiting:
        one = waiting.pop()
        if one.full_name in found or _well_known(one):
            continue
        if len(found) == MOST_MESSAGES:
            raise DescriptorsInvalid(f"needs more than {MOST_MESSAGES} messages")
        found[one.full_name] = one
        waiting += _held(one)
    return found


def _held(message: Descriptor) -> list[Descriptor]:
    return [field.message_type for field in message.fields if field.message_type is not None]


def _well_known(message: Descriptor) -> str:
    """Return the name of a message that has a form of its own, else nothing."""
    return message.name if message.full_name.rpartition(".")[0] == OWN and message.name in _FORMS else ""


_FORMS = frozenset({*_WELL_KNOWN, "DoubleValue", "FloatValue"})


def _circular(known: Mapping[str, Descriptor]) -> frozenset[str]:
    """Return the messages that may hold themselves, or that stand between two such."""
    holds = {name: {one.full_name for one in _held(message)} & known.keys() for name, message in known.items()}
    for _ in range(2):  # once from the one end, once from the other
        leaves = [name for name, held in holds.items() if not held]
        held_by: dict[str, set[str]] = {name: set() for name in holds}
        for name, held in holds.items():
            for one in held:
                held_by[one].add(name)
        while leaves:
            leaf = leaves.pop()
            del holds[leaf]
            for holder in held_by.pop(leaf):
                holds[holder].discard(leaf)
                if not holds[holder]:
                    leaves.append(holder)
            for holders in held_by.values():
                holders.discard(leaf)
        holds = held_by
    return frozenset(holds)


class _TooMuch(Exception):
    """The schema became too large."""


class _Bundle:
    """Turns messages into schemas; those named by *referred* become references."""

    def __init__(
        self,
        known: Mapping[str, Descriptor],
        referred: frozenset[str],
        direction: Direction,
        comments: Mapping[str, str],
    ) -> None:
        self._known = known
        self._referred = referred
        self._direction = direction
        self._comments = comments
        self._waiting: list[str] = []
        self._left = 0

    def whole(self, message: Descriptor, most: int) -> dict[str, Any]:
        """Return the schema with its definitions. Raises `_TooMuch`."""
        self._left = most
        name = _well_known(message)
        schema = self._own(name) if name else self._object(message, 0)
        definitions: dict[str, Any] = {}
        while self._waiting:
            one = self._waiting.pop()
            if one not in definitions:
                definitions[one] = self._object(self._known[one], 0)
        return schema | ({"$defs": definitions} if definitions else {})

    def _message(self, message: Descriptor, depth: int) -> dict[str, Any]:
        if name := _well_known(message):
            return self._own(name)
        if message.full_name in self._referred:
            self._waiting.append(message.full_name)
            return {"$ref": f"#/$defs/{message.full_name}"}
        return self._object(message, depth)

    def _own(self, name: str) -> dict[str, Any]:
        if name == "DoubleValue":
            return self._direction.number({})
        if name == "FloatValue":
            return self._direction.number({"minimum": -_FLOAT, "maximum": _FLOAT})
        return dict(_WELL_KNOWN[name])

    def _object(self, message: Descriptor, depth: int) -> dict[str, Any]:
        if depth > DEEPEST_INLINED:
            raise _TooMuch
        properties: dict[str, Any] = {}
        required = []
        for field in message.fields:
            self._left -= 1
            if self._left < 0:
                raise _TooMuch
            if field.json_name in properties:
                raise DescriptorsInvalid(f"has two members of {message.full_name} with one name in JSON")
            properties[field.json_name] = self._described(field, self._field(field, depth + 1))
            if self._direction.required(field):
                required.append(field.json_name)
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        schema |= {"required": sorted(required)} if required else {}
        schema |= self._direction.choices(message)
        if message.is_extendable:
            schema["patternProperties"] = {r"^\[": {}}
        return schema

    def _described(self, field: FieldDescriptor, schema: dict[str, Any]) -> dict[str, Any]:
        text = self._comments.get(field.full_name, "")[:DESCRIPTION_LENGTH]
        return {**schema, "description": text} if text else schema

    def _field(self, field: FieldDescriptor, depth: int) -> dict[str, Any]:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
            schema = {"type": "object", "additionalProperties": self._one(value, depth)}
            return schema | ({"propertyNames": _KEYS[key.type]} if key.type in _KEYS else {})
        one = self._one(field, depth)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor, depth: int) -> dict[str, Any]:
        if field.type in {_MESSAGE, _GROUP}:
            return self._message(field.message_type, depth)
        if field.type == _ENUM:
            if field.enum_type.full_name == f"{OWN}.NullValue":
                return {"type": "null"}
            return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
        if field.type == _DOUBLE:
            return self._direction.number({})
        if field.type == _FLOATING:
            return self._direction.number({"minimum": -_FLOAT, "maximum": _FLOAT})
        return dict(_SCALARS[field.type])
