"""One connection to a server's REST interface, on the standard library alone so that commands start at once."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from interlock.experience.client.errors import AddressInvalid, ServerProblem, ServerUnreachable

PATIENCE = 120.0  # seconds; a governed call may itself wait for a slow system
LARGEST = 64 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Connection:
    """Speaks to one server with one key. Redirects are not followed: the key goes to the named address only."""

    def __init__(self, url: str, key: str, *, timeout: float = PATIENCE) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressInvalid("the server's address is no http address", fix="write it like http://127.0.0.1:8640")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        self.url = url
        self.exposed = parts.scheme == "http" and parts.hostname not in _LOOPBACK

    def get(self, path: str, **query: str | int) -> Any:
        """Return the answer to GET *path*; empty query values are left out."""
        given = {name: value for name, value in query.items() if value != ""}
        return self.send("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer to POST *path* with *body* as JSON."""
        return self.send("POST", path, {} if body is None else body, headers)

    def delete(self, path: str) -> Any:
        """Return the answer to DELETE *path*."""
        return self.send("DELETE", path)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the JSON of the answer. Raises `ServerUnreachable`, and `ServerProblem` for what is no success."""
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in (headers or {}).items()}}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        try:
            self._connection.request(method, self._prefix + path, content, sent)
            response = self._connection.getresponse()
            raw = response.read(LARGEST + 1)
        except (OSError, HTTPException) as error:
            raise self._unreachable(_cause(error)) from error
        finally:
            self._connection.close()  # a command makes few calls; the next one connects anew
        return self._value(response, raw)

    def _value(self, response: HTTPResponse, raw: bytes) -> Any:
        kind = response.headers.get_content_type()
        if len(raw) > LARGEST:
            raise self._unreachable(f"the answer is larger than {LARGEST} bytes")
        try:
            value = json.loads(raw) if kind.endswith("json") else None
        except ValueError:
            value = None
        if response.status >= 400 and isinstance(value, dict) and "code" in value:
            raise ServerProblem(value)
        if value is None or not 200 <= response.status < 300:
            raise self._unreachable(f"what answers there is not Interlock: status {response.status}, {kind}")
        return value

    def _unreachable(self, why: str) -> ServerUnreachable:
        return ServerUnreachable(
            f"no answer from {self.url}",
            why=why,
            fix="start it with `interlock serve`, or set INTERLOCK_URL to where it runs",
        )


def segment(text: str) -> str:
    """Return *text* as one segment of a path."""
    return quote(text, safe="")


def _cause(error: OSError | HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came for {PATIENCE:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
