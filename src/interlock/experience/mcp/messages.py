"""JSON-RPC 2.0 as the Model Context Protocol uses it: one message a request, no batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.experience.api.responses import Headers
from interlock.experience.mcp.errors import ProtocolFault
from interlock.values.errors import InterlockError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
REFUSED = -32010
"""Ours, from the range left to implementations: refused before the message was looked at (401, 403, 413, ...)."""

MessageId = str | int


@dataclass(slots=True)
class Message:
    """One message. *id* is None for a notification; *method* is empty for an answer to a request of ours."""

    method: str
    id: MessageId | None = None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> dict[str, Any]:
        """The parameters' `_meta`, or nothing."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: *body* is a JSON-RPC response, or empty."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)


def id_of(value: Any) -> MessageId | None:
    """Return the id that an answer to *value* carries, or None where it has none that is valid."""
    number = value.get("id") if isinstance(value, dict) else None
    return number if isinstance(number, (str, int)) and not isinstance(number, bool) else None


def message_of(value: Any) -> Message:
    """Return the message that a body's JSON value is. Raises `ProtocolFault`.

    A batch, an id that is neither text nor a whole number, and parameters that are no object are faults.
    """
    if isinstance(value, list):
        raise ProtocolFault(INVALID_REQUEST, "batches are not taken", fix="send one message a request")
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise ProtocolFault(INVALID_REQUEST, "the body is no JSON-RPC 2.0 message")
    method, number = value.get("method", ""), id_of(value)
    if not isinstance(method, str):
        raise ProtocolFault(INVALID_REQUEST, "the method is no text")
    if not method and "result" not in value and "error" not in value:
        raise ProtocolFault(INVALID_REQUEST, "the message is neither a request nor an answer")
    if "id" in value and number is None:
        raise ProtocolFault(INVALID_REQUEST, "the id is neither text nor a whole number")
    message = Message(method, number)
    params = value.get("params")
    if params is not None:
        if not isinstance(params, dict):
            raise ProtocolFault(INVALID_PARAMS, "the parameters are no object")
        message.params = params
    return message


def result(number: MessageId | None, body: bytes) -> bytes:
    """Return the response to request *number* whose result is the JSON text *body*."""
    return b'{"jsonrpc":"2.0","id":' + orjson.dumps(number) + b',"result":' + body + b"}"


def error(number: MessageId | None, code: int, text: str, data: Any = None) -> bytes:
    """Return the error response to request *number* (None where it is not known)."""
    fault: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        fault["data"] = data
    return orjson.dumps({"jsonrpc": "2.0", "id": number, "error": fault})


def fault_reply(number: MessageId | None, fault: ProtocolFault, *, stateless: bool) -> Reply:
    """Return the answer to a faulty message.

    The stateless revision gives each error an HTTP status; before it, an error that answers a request came with 200.
    """
    if number is not None and not stateless and fault.number != INVALID_REQUEST:
        status = 200
    else:
        status = 404 if fault.number == METHOD_NOT_FOUND else 400
    data = fault.data if fault.data is not None else ({"fix": fault.fix} if fault.fix else None)
    return Reply(status, error(number, fault.number, fault.what, data))


def refusal_reply(number: MessageId | None, refused: InterlockError, headers: Headers) -> Reply:
    """Return the answer to a request that is refused as a whole, with the problem as the error's data."""
    return Reply(refused.status, error(number, REFUSED, refused.what, refused.problem()), headers)
