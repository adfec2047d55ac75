"""Messages of the protocol as bytes, and stand-ins for answers that never came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a request has no answer of the server's own. Made here, so a server cannot pretend to be it.

    *sent* is False only where the server certainly never worked on the request; *retry_after* is in seconds; *fix* says
    what to do, where that is known here.
    """

    code: str
    detail: str
    sent: bool = True
    transient: bool = True
    retry_after: float = 0.0
    fix: str = ""

    @classmethod
    def of(cls, error: InterlockError) -> NoAnswer:
        """Return the reason that an error of the house is, such as a secret that is not there."""
        return cls(error.code, error.what, sent=False, transient=False, fix=error.fix)


def encoded(message: SessionMessage) -> bytes:
    """Return *message* as JSON in one line."""
    return message.message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def decoded(content: bytes) -> SessionMessage:
    """Return the message in *content*. Raises `ValueError` where there is none."""
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    return SessionMessage(jsonrpc_message_adapter.validate_json(content, by_name=False))


def unanswered_request(request: Any, reason: NoAnswer) -> SessionMessage:
    """Return an error that ends *request* in place of an answer; it carries *reason* as it is."""
    from mcp.shared.message import SessionMessage
    from mcp_types import CONNECTION_CLOSED, ErrorData, JSONRPCError

    error = ErrorData(code=CONNECTION_CLOSED, message=reason.detail, data=reason)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=request.id, error=error))


def request_of(message: SessionMessage) -> Any:
    """Return the request in *message* that waits for an answer, or None."""
    from mcp_types import JSONRPCRequest

    return message.message if isinstance(message.message, JSONRPCRequest) else None


def is_answer(message: SessionMessage, request: Any) -> bool:
    """Return whether *message* ends *request*."""
    from mcp_types import JSONRPCError, JSONRPCResponse

    return isinstance(message.message, (JSONRPCResponse, JSONRPCError)) and message.message.id == request.id


def cancelled(message: SessionMessage) -> Any:
    """Return the id of the request that *message* takes back, or None."""
    if getattr(message.message, "method", "") != "notifications/cancelled":
        return None
    params = getattr(message.message, "params", None) or {}
    return params.get("requestId")


def events(content: bytes) -> Iterator[bytes]:
    """Yield the data of each event in a whole stream of server-sent events."""
    data: list[bytes] = []
    for line in [*content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []
