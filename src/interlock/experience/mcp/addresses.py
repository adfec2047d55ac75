"""Which names this server answers to, so that no web page reaches it under a name of its own (DNS rebinding)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from interlock.experience.mcp.errors import HostRefused, OriginRefused

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on
_REMEMBERED = 256


class Addresses:
    """The names of one server: loopback, the address it listens on, and its public address.

    A server that listens everywhere and has no `public_url` cannot know its names: it takes every Host, but an
    Origin only if it is that same host.
    """

    def __init__(self, host: str, public_url: str) -> None:
        public = _hostname(public_url)
        self._names = _LOOPBACK | {name for name in (host.lower(), public) if name not in _ANY}
        self._open = host in _ANY and not public
        self._known: set[bytes] = set()

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise `HostRefused` or `OriginRefused` where a request names somebody else. A port is never looked at."""
        host = headers.get(b"host", b"")
        if host not in self._known:
            if _hostname("//" + host.decode("latin-1")) not in self._names and not self._open:
                raise HostRefused(
                    "the Host header is none of this server's names",
                    fix="use the address that the server listens on, or set server.public_url in interlock.yaml",
                )
            if len(self._known) < _REMEMBERED:
                self._known.add(host)
        origin = headers.get(b"origin")
        if origin is not None:
            self._check_origin(origin.decode("latin-1"), host.decode("latin-1"))

    def _check_origin(self, origin: str, host: str) -> None:
        name = _hostname(origin)
        own = name == _hostname("//" + host) if self._open else name in self._names
        if not name or not own:
            raise OriginRefused(
                "a web page of another origin cannot use this",
                fix="call from a program, or serve the page under server.public_url",
            )


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
