"""Somebody who calls the server over plain HTTP, with a key or without."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode

TIMEOUT = 30.0


class Lost(ConnectionError):
    """No answer came; what was asked for may have happened or not."""


@dataclass(frozen=True)
class Reply:
    """One answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON value of the answer."""
        return json.loads(self.content or b"{}")

    @property
    def kind(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def code(self) -> str:
        """The code of the problem, or the empty string for a success."""
        return "" if self.status < 400 else str(self.body["code"])


class Refused(AssertionError):
    """A call that had to succeed was answered otherwise."""

    def __init__(self, reply: Reply, what: str) -> None:
        super().__init__(f"{what} was answered with {reply.status}: {reply.content[:2000]!r}")
        self.reply = reply


@dataclass(frozen=True)
class Caller:
    """Makes each call on a connection of its own, so that a killed server never leaves half a conversation."""

    port: int
    key: str = field(default="", repr=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | Iterable[bytes] | None = None,
    ) -> Reply:
        """Return the answer, whatever it is: to *body* as JSON, or to *raw* (several parts are sent as chunks).

        Raises `Lost`.
        """
        sent = {"authorization": f"Bearer {self.key}"} if self.key else {}
        content = raw if body is None else json.dumps(body).encode()
        if content is not None:
            sent["content-type"] = "application/json"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, content, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, HTTPException) as error:
            raise Lost(f"{method} {path}: {type(error).__name__}") from error
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Any:
        """Return the body of a read that must succeed. Raises `Refused` and `Lost`."""
        return self._must("GET", f"{path}?{urlencode(query)}" if query else path, None, {})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Return the body of a call that must succeed. Raises `Refused` and `Lost`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._must("POST", path, {} if body is None else body, named)

    def _must(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        reply = self.send(method, path, body, headers=headers)
        if reply.status >= 400:
            raise Refused(reply, f"{method} {path}")
        return reply.body

    def propose(self, session: str, operation: str, arguments: Any, *, key: str = "") -> dict[str, Any]:
        """Propose an action and return it as it stands."""
        headers = {"idempotency_key": key} if key else {}
        proposal = {"session": session, "operation": operation, "input": arguments}
        action: dict[str, Any] = self.post("/v1/actions", proposal, **headers)
        return action

    def action(self, action: str) -> dict[str, Any]:
        """Return an action as it stands now."""
        found: dict[str, Any] = self.get(f"/v1/actions/{quote(action, safe='')}")
        return found

    def actions(self, **query: str) -> list[dict[str, Any]]:
        """Return every action that the caller may list, page after page."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = self.get("/v1/actions", limit=500, before=before, **query)
            found += page["items"]
            before = page.get("next", "")
            if not before:
                return found
