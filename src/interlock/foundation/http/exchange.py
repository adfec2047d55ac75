"""One HTTP request and its whole answer, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send. *url* is absolute and already percent-encoded; it is sent as it is.

    *timeout* (seconds) covers everything from the wait for a connection to the last byte of the answer;
    *connect* (seconds; 0: most of *timeout*) covers the making of a new connection alone, *idle* (seconds; 0: no
    limit of its own) the wait for each next part of the answer.
    *max_bytes* bounds the answer both as received and as unpacked. *headers* may hold credentials: not shown.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 10.0
    max_bytes: int = MEBIBYTE
    connect: float = 0.0
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer. *media_type* is lower case and without parameters; *headers* ignore case."""

    status: int
    media_type: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def charset(self) -> str:
        """The encoding that the type names; the empty string where it names none."""
        message = Message()
        message["content-type"] = self.headers.get("Content-Type", "")
        charset = message.get_param("charset")
        return charset if isinstance(charset, str) else ""

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON (RFC 8259, or a `+json` type by RFC 6839)."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")
