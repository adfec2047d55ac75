"""Messages between JSON and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.grpc.definitions import VALUE

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

DEEPEST = 100


class MessageUnfit(Exception):
    """A message cannot be written, or read. Says nothing of what it holds."""


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


def read(pool: Any, kind: Descriptor, content: bytes) -> Any:
    """Return the message in *content* as JSON. Raises `MessageUnfit`."""
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    try:
        message = GetMessageClass(kind).FromString(content)
        return json_format.MessageToDict(message, always_print_fields_with_no_presence=True, descriptor_pool=pool)
    except (DecodeError, json_format.Error, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise MessageUnfit from None
