"""Interlock as its callers see it: plain HTTP, one key for each caller."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What came back; an error is a problem document with `code`, `detail`, `why` and `fix`."""

    status: int
    body: Json

    @property
    def refused(self) -> str:
        """The error's code, or the empty string for a success."""
        return "" if self.status < 400 else str(self.body.get("code", self.status))


class Refused(RuntimeError):
    """A call that had to succeed did not."""


@dataclass(frozen=True)
class Caller:
    """Somebody with a key: a person, an agent, or a program such as the portal."""

    name: str
    url: str
    key: str

    def send(self, method: str, path: str, body: Json | None = None) -> Reply:
        """Send one request and return its answer, whatever it is."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return Reply(response.status, json.loads(response.read() or b"{}"))
        finally:
            connection.close()

    def get(self, path: str) -> Json:
        """Return the body of a read that must succeed. Raises `Refused`."""
        return self._body("GET", path, None)

    def post(self, path: str, **body: Any) -> Json:
        """Return the body of a call that must succeed. Raises `Refused`."""
        return self._body("POST", path, body)

    def _body(self, method: str, path: str, body: Json | None) -> Json:
        reply = self.send(method, path, body)
        if reply.status >= 400:
            told = json.dumps(reply.body, ensure_ascii=False)
            raise Refused(f"{self.name}: {method} {path} was answered with {reply.status}: {told}")
        return reply.body
