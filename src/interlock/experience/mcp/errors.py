"""What can be wrong with a message or the request that carries it.

ProtocolFault, HostRefused, OriginRefused, NotAcceptable
"""

from __future__ import annotations

from typing import Any

from interlock.values.errors import InterlockError


class ProtocolFault(InterlockError):
    """A message breaks JSON-RPC 2.0 or the protocol's revision; *number* is the JSON-RPC error code.

    *data* is the error's `data` where the protocol defines one.
    """

    code = "protocol_fault"
    status = 400
    title = "The message breaks the protocol"

    def __init__(self, number: int, what: str, *, data: Any = None, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.number = number
        self.data = data


class HostRefused(InterlockError):
    """The Host header names none of this server's names, as in an attack by DNS rebinding."""

    code = "host_refused"
    status = 421
    title = "Not a name of this server"


class OriginRefused(InterlockError):
    """A web page of another origin sent the request."""

    code = "origin_refused"
    status = 403
    title = "Not from this origin"


class NotAcceptable(InterlockError):
    """The caller does not take JSON."""

    code = "not_acceptable"
    status = 406
    title = "Answers are JSON"
