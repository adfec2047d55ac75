"""One HTTP request as a route sees it, and how its body is read within limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from interlock.experience.api.errors import (
    MediaTypeUnsupported,
    RequestInvalid,
    RequestMalformed,
    RequestTooLarge,
)
from interlock.experience.installation import Installation
from interlock.governance.credentials.errors import ScopeMissing
from interlock.orchestration.actions import View
from interlock.values.principals import Principal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PAGE = 50
LONGEST_PAGE = 500


@dataclass(slots=True)
class Request:
    """A parsed request. *body* has been validated by the route's schema; *headers* are lower-case bytes."""

    installation: Installation
    principal: Principal
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def view(self) -> View:
        """What the caller is shown of actions, approvals and records."""
        return View(self.installation.projects.current, self.principal)

    def header(self, name: bytes) -> str:
        """Return a header's text, or the empty string."""
        return self.headers.get(name, b"").decode("latin-1")

    def require_operator(self) -> None:
        """Raise `ScopeMissing` unless the caller belongs to the project's first tenant, which runs the place."""
        if self.principal.tenant != self.installation.projects.current.settings.tenants[0]:
            raise ScopeMissing(
                "this concerns every tenant of the installation",
                fix="let an administrator of the project's first tenant do it",
            )

    def limit(self) -> int:
        """Return the page length asked for. Raises `RequestInvalid` where it is no number in range."""
        text = self.query.get("limit", str(PAGE))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LONGEST_PAGE:
            raise RequestInvalid(f"limit must be a number from 1 to {LONGEST_PAGE}", field="limit")
        return int(text)


def parse_query(raw: bytes) -> dict[str, str]:
    """Return the query's parameters; of a repeated one the last. Raises `RequestMalformed`."""
    if not raw:
        return {}
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestMalformed("the query is not percent-encoded UTF-8") from error


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], *, largest: int) -> bytes:
    """Return the whole body. Raises `RequestTooLarge` as soon as it is more than *largest* bytes."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > largest:
        raise _too_large(largest)
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > largest:
            raise _too_large(largest)
        return bytes(body)
    chunks, length = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestMalformed("the caller went away while sending the body")
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > largest:
            raise _too_large(largest)
        chunks.append(chunk)
    return b"".join(chunks)


def parse_body(raw: bytes, headers: Mapping[bytes, bytes], *, deepest: int) -> Any:
    """Return the body's JSON value. Raises `RequestMalformed` and `MediaTypeUnsupported`."""
    kind = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        raise MediaTypeUnsupported("the body must be JSON", fix="send content-type: application/json")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed(
            "the body is not JSON", why=f"at line {error.lineno}, column {error.colno}", fix="send JSON in UTF-8"
        ) from error
    if raw.count(b"{") + raw.count(b"[") > deepest and _deeper(value, deepest):
        raise RequestMalformed(f"the body nests deeper than {deepest} levels")
    return value


def _deeper(value: Any, left: int) -> bool:
    if left < 0:
        return True
    if isinstance(value, dict):
        return any(_deeper(item, left - 1) for item in value.values())
    if isinstance(value, list):
        return any(_deeper(item, left - 1) for item in value)
    return False


def _too_large(largest: int) -> RequestTooLarge:
    return RequestTooLarge(f"the body is larger than {largest} bytes", fix="raise limits.request_bytes, or send less")
