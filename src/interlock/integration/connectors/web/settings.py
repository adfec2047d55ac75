"""What connections to REST systems say alike, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.interface import SystemDeclaration, Trouble

BASE_URL: dict[str, Any] = {"type": "string", "minLength": 1, "description": "where the system listens"}
HEALTH: dict[str, Any] = {
    "type": "string",
    "pattern": "^/",
    "description": "a path whose GET answers 2xx when all is well",
}
NEVER_A_READ = frozenset({"PUT", "PATCH", "DELETE"})
"""Methods that change something, whatever a declaration says (RFC 9110, 9.2.1)."""


def address_troubles(base_url: str, place: str) -> list[Trouble]:
    """Return what is wrong with an address that *place* of the system's file gives."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [Trouble(place, "needs `base_url`, an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble(place, "must not hold credentials; use `auth` with a reference to a secret")]
    if parts.query or parts.fragment:
        return [Trouble(place, "must not have a query or a fragment")]
    if {"{", "}"} & set(base_url):
        return [Trouble(place, "must not have braces: it is not filled in")]
    return []


def signing_pairs(system: SystemDeclaration) -> frozenset[tuple[str, str]]:
    """Return the parameters, each with its place, that carry a key of the connection, which no argument may set."""
    auth = system.connection.get("auth")
    key = auth.get("api_key") if isinstance(auth, Mapping) else None
    found = key if isinstance(key, Mapping) else {}
    return frozenset((place, found[place]) for place in ("query", "cookie") if isinstance(found.get(place), str))


def signing_headers(system: SystemDeclaration) -> frozenset[str]:
    """Return the headers, in lower case, that carry a key of the connection, which no argument may set."""
    auth = system.connection.get("auth")
    key = auth.get("api_key") if isinstance(auth, Mapping) else None
    header = key.get("header") if isinstance(key, Mapping) else None
    return frozenset({header.lower()}) if isinstance(header, str) else frozenset()
