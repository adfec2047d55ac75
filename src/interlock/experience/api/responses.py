"""Writing answers: JSON, problem documents, and the overhead of a call in its headers."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.experience.api.request import Send
from interlock.values.errors import InterlockError

JSON = b"application/json"
PROBLEM = b"application/problem+json"
Headers = list[tuple[bytes, bytes]]


async def send_bytes(send: Send, status: int, body: bytes, kind: bytes, headers: Headers | None = None) -> None:
    """Send a whole response."""
    start = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    if headers:
        start += headers
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, value: Any, headers: Headers | None = None) -> None:
    """Send *value* as JSON."""
    await send_bytes(send, status, orjson.dumps(value), JSON, headers)


async def send_problem(send: Send, error: InterlockError, headers: Headers | None = None) -> None:
    """Send an error as an RFC 9457 problem document."""
    extra = list(headers or ())
    if error.status == 405:
        extra.append((b"allow", str(error.details.get("allow", "")).encode()))
    retry_after = error.details.get("retry_after")
    if retry_after is not None:
        extra.append((b"retry-after", b"%d" % max(1, round(retry_after))))
    await send_bytes(send, error.status, orjson.dumps(error.problem()), PROBLEM, extra)
