"""Messages between JSON and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.grpc.definitions import VALUE

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

DEEPEST = 100
_ANY = "google.protobuf.Any"
_VARINT = 0


MOST_MEMBERS = 200_000
DEEPEST_ANY = 20


class MessageUnfit(Exception):
    """A message cannot be written, or read. Says nothing of what it holds."""


class MessageVast(MessageUnfit):
    """A message has more members than are read."""


def written(pool: Any, kind: Descriptor, arguments: Mapping[str, Any], *, wrapped: bool) -> bytes:
    """Return *arguments* as a message of *kind*; *wrapped* ones are its JSON form under one name.

    Raises `MessageUnfit`.
    """
    from google.protobuf import json_format
    from google.protobuf.message import EncodeError
    from google.protobuf.message_factory import GetMessageClass

    message = GetMessageClass(kind)()
    try:
        json_format.ParseDict(
            arguments[VALUE] if wrapped else arguments, message, descriptor_pool=pool, max_recursion_depth=DEEPEST
        )
        content: bytes = message.SerializeToString(deterministic=True)
    except (json_format.Error, EncodeError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise MessageUnfit from None  # its text repeats the arguments
    return content


def read(pool: Any, kind: Descriptor, content: bytes, most: int = MOST_MEMBERS) -> tuple[Any, int]:
    """Return the message in *content* as JSON, and how many members it has. Raises `MessageUnfit`, `MessageVast`."""
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    try:
        message = GetMessageClass(kind).FromString(content)
        members = _members(pool, message, most)
        shown = json_format.MessageToDict(message, always_print_fields_with_no_presence=True, descriptor_pool=pool)
    except (DecodeError, json_format.Error, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise MessageUnfit from None
    return shown, members


def _members(pool: Any, message: Any, most: int) -> int:
    """Return how many members the JSON form of *message* has. Raises `MessageVast` for more than *most*, and
    `MessageUnfit` for a field that came as another type, which its parser takes for unknown and leaves out.

    Members that are not set are shown too, so a message of two bytes may become hundreds of them.
    """
    from google.protobuf.message_factory import GetMessageClass

    found, waiting = 0, [(message, 0)]
    while waiting:
        one, packed = waiting.pop()
        found += 1 + len(one.DESCRIPTOR.fields)
        if _mistyped(one):
            raise MessageUnfit
        if one.DESCRIPTOR.full_name == _ANY:
            if packed == DEEPEST_ANY:
                raise MessageVast
            if one.type_url:
                kind = pool.FindMessageTypeByName(one.type_url.rpartition("/")[2])
                waiting.append((GetMessageClass(kind).FromString(one.value), packed + 1))
            continue
        for field, value in one.ListFields():
            held = value.values() if hasattr(value, "values") and field.is_repeated else value
            several = held if field.is_repeated else (held,)
            found += len(value) if field.is_repeated else 0
            if field.message_type is not None and found <= most:
                waiting += ((each, packed) for each in several if hasattr(each, "DESCRIPTOR"))
        if found > most:
            raise MessageVast
    return found


def _mistyped(message: Any) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    declared = message.DESCRIPTOR.fields_by_number
    return any(
        left.field_number in declared and (left.wire_type != _VARINT or declared[left.field_number].enum_type is None)
        for left in UnknownFieldSet(message)  # a value that an enumeration of proto2 does not know is left there too
    )
