"""Requests straight to a surface, as an ASGI application is given them; no socket is in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

A = TypeVar("A", bound="Answered")


@dataclass(frozen=True)
class Answered:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


async def asked(
    surface: Callable[..., Awaitable[None]],
    kind: type[A],
    method: str,
    path: str,
    content: bytes,
    headers: list[tuple[bytes, bytes]],
    query: bytes = b"",
) -> A:
    """Send one request and return its answer, as a *kind* of `Answered`."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    places = {"path": unquote(path), "raw_path": path.encode("ascii")}
    scope = {"type": "http", "method": method, **places, "scheme": "http", "query_string": query}
    await surface({**scope, "headers": headers}, receive, send)
    named = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return kind(sent[0]["status"], named, b"".join(message.get("body", b"") for message in sent[1:]))
