"""Which directory a connection names, and who we are there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.foundation.http.egress import is_loopback
from interlock.integration.connectors.interface import SecretSource, Trouble
from interlock.integration.connectors.ldap.names import NameInvalid, parse
from interlock.values.secrets import Secret

PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the directory. *tls* is `implicit`, `starttls` or `none`; *ca* a file of authorities, or None.

    *user* is the name that we log in with, empty for nobody's, *password* the reference to what proves it.
    """

    host: str
    port: int
    tls: str
    ca: Path | None = None
    user: str = ""
    password: str = ""

    def context(self) -> ssl.SSLContext:
        """Return how TLS is spoken to it: its certificate and name are always checked. Raises `OSError`."""
        return ssl.create_default_context(cafile=str(self.ca) if self.ca is not None else None)

    def secret(self, secrets: SecretSource) -> Secret | None:
        """Return what proves who we are, None for nobody. Raises an `InterlockError` where it is missing."""
        return secrets.get(self.password) if self.user else None


def server_of(connection: Mapping[str, Any], root: Path) -> Server:
    """Return what *connection*, in which `troubles` finds nothing, says."""
    parts = urlsplit(connection["url"])
    tls = "implicit" if parts.scheme == "ldaps" else "starttls" if connection.get("tls", True) else "none"
    auth = connection.get("auth", {})
    return Server(
        parts.hostname or "",
        parts.port or PORTS[parts.scheme],
        tls,
        root / connection["ca"] if "ca" in connection else None,
        auth.get("dn", ""),
        auth.get("password", ""),
    )


def troubles(connection: Mapping[str, Any], root: Path) -> Iterator[Trouble]:
    """Yield what is wrong with a *connection* beyond its schema."""
    try:
        parts = urlsplit(connection["url"])
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        yield Trouble("/connection/url", "is no valid address")
        return
    if parts.username or parts.password:
        yield Trouble("/connection/url", "must not hold credentials; write `auth` with a reference to a secret")
    elif not parts.hostname or rest:
        yield Trouble("/connection/url", "must be ldaps://HOST[:PORT] or ldap://HOST[:PORT], and nothing more")
    else:
        yield from _security(connection, server_of(connection, root))
    try:
        if not parse(connection["base"]):
            yield Trouble("/connection/base", "must not be empty: it bounds what operations reach")
    except NameInvalid as error:
        yield Trouble("/connection/base", str(error))


def _security(connection: Mapping[str, Any], server: Server) -> Iterator[Trouble]:
    if server.tls == "implicit" and connection.get("tls") is False:
        yield Trouble("/connection/tls", "is false, and the address begins with ldaps://")
    if server.tls == "none" and server.user and not is_loopback(server.host):
        yield Trouble("/connection/tls", "would send the password in the clear; leave it out, or write ldaps://")
    if server.ca is not None and not server.ca.is_file():
        yield Trouble("/connection/ca", "names a file that is not there")
