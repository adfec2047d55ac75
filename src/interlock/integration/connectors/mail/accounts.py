"""Which mail servers a connection names, and who we are there."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path
from typing import Any

from interlock.foundation.http.egress import is_loopback
from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.interface import SecretSource, Trouble
from interlock.values.secrets import Secret

USUAL_LIMIT = "25MiB"
LEAST_LIMIT = 1 << 10
MOST_LIMIT = 256 << 20
_PORTS = {
    "imap": {"implicit": 993, "starttls": 143, "none": 143},
    "smtp": {"implicit": 465, "starttls": 587, "none": 25},
}


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. *tls* is `implicit`, `starttls` or `none`; *ca* a file of authorities, or None."""

    host: str
    port: int
    tls: str
    ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return how TLS is spoken to it: its certificate and name are always checked. Raises `OSError`."""
        return ssl.create_default_context(cafile=str(self.ca) if self.ca is not None else None)


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name, and the reference to the password or OAuth token."""

    username: str
    reference: str
    token: bool

    def secret(self, secrets: SecretSource) -> Secret:
        """Return what proves who we are. Raises an `InterlockError` where it is missing."""
        return secrets.get(self.reference)


def bearer(login: Login, secret: Secret) -> bytes:
    """Return the answer of the SASL mechanism XOAUTH2, not encoded."""
    return f"user={login.username}\x01auth=Bearer {secret.reveal()}\x01\x01".encode()


def bearer_base64(login: Login, secret: Secret) -> str:
    """Return the answer of XOAUTH2 as SMTP wants it."""
    return base64.b64encode(bearer(login, secret)).decode()


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that a connection says. *imap* or *smtp* may be missing; *folders* are by their name here."""

    imap: Server | None
    smtp: Server | None
    login: Login | None
    sender: Address
    folders: Mapping[str, str]
    most_bytes: int


def account_of(connection: Mapping[str, Any], root: Path) -> Account:
    """Return what *connection*, which fits the plug-in's schema, says. Raises nothing for what `troubles` names."""
    auth, sender = connection.get("auth"), connection.get("from", {})
    login = None
    if auth:
        token = "token" in auth
        login = Login(auth["username"], auth["token" if token else "password"], token)
    return Account(
        _server(connection, "imap", root),
        _server(connection, "smtp", root),
        login,
        _address(sender),
        dict(connection.get("folders", {"inbox": "INBOX"})),
        _limit(connection),
    )


def troubles(connection: Mapping[str, Any], root: Path) -> Iterator[Trouble]:
    """Yield what is wrong with a *connection* beyond its schema."""
    if "smtp" in connection and "from" not in connection:
        yield Trouble("/connection/from", "is missing: mail is sent from an address of your own")
    if "from" in connection and not _address(connection["from"]).domain:
        yield Trouble("/connection/from/address", "is no mail address")
    if connection.get("max_message") is not None and not LEAST_LIMIT <= _limit(connection) <= MOST_LIMIT:
        yield Trouble("/connection/max_message", "must be between 1KiB and 256MiB")
    for name in ("imap", "smtp"):
        server = _server(connection, name, root)
        if server is None:
            continue
        if server.tls == "none" and connection.get("auth") and not is_loopback(server.host):
            message = "would send the password in the clear; use implicit or starttls"
            yield Trouble(f"/connection/{name}/tls", message)
        if server.ca is not None and not server.ca.is_file():
            yield Trouble(f"/connection/{name}/ca", "names a file that is not there")


def _server(connection: Mapping[str, Any], name: str, root: Path) -> Server | None:
    given = connection.get(name)
    if given is None:
        return None
    tls = given.get("tls", "implicit" if name == "imap" else "starttls")
    ca = root / given["ca"] if "ca" in given else None
    return Server(given["host"], given.get("port", _PORTS[name][tls]), tls, ca)


def _address(sender: Mapping[str, Any]) -> Address:
    try:
        return Address(sender.get("name", ""), addr_spec=sender.get("address", ""))
    except (ValueError, IndexError):  # the parser of addresses raises both
        return Address()


def _limit(connection: Mapping[str, Any]) -> int:
    try:
        return size(connection.get("max_message", USUAL_LIMIT))
    except QuantityInvalid:
        return 0
