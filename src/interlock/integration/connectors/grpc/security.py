"""How a connection is secured: by TLS with authorities that are named or the machine's, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.interface import SecretSource, Trouble

NONE = "none"
_FILE = {"type": "string", "minLength": 1}
TLS_SCHEMA: dict[str, Any] = {
    "description": "`none` for a system without TLS, else what is unusual; left out: the machine's authorities",
    "type": ["string", "object"],
    "pattern": f"^{NONE}$",
    "properties": {
        "ca": {**_FILE, "description": "certificates of the authorities to trust (PEM), a file of the project"},
        "name": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,253}$", "description": "the name in the certificate"},
        "certificate": {**_FILE, "description": "our own certificate (PEM), a file of the project"},
        "key": {**REFERENCE, "description": "a reference to the private key of our certificate (PEM)"},
    },
    "dependentRequired": {"certificate": ["key"], "key": ["certificate"]},
    "additionalProperties": False,
}
"""The JSON Schema of `tls:` in a connection."""
_LARGEST = 4 << 20


class Security(Protocol):
    """Says how a channel is secured."""

    def terms(self, host: str) -> tuple[Any, str]:
        """Return the credentials of a channel to *host* (None: plain), and the name to call it by. It blocks shortly.

        Raises `OSError` for a file that cannot be read, and errors of secrets.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """No TLS."""

    def terms(self, host: str) -> tuple[Any, str]:
        return None, host


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS; the certificate is verified, and holds *name*, or else the host's name. None: the machine's authorities."""

    secrets: SecretSource
    authorities: Path | None = None
    name: str = ""
    certificate: Path | None = None
    key: str = ""

    def terms(self, host: str) -> tuple[Any, str]:
        import grpc

        trusted = self.authorities.read_bytes() if self.authorities is not None else _of_the_machine()
        ours = self.certificate.read_bytes() if self.certificate is not None else None
        key = self.secrets.get(self.key).reveal().encode() if self.key else None
        return grpc.ssl_channel_credentials(trusted, key, ours), self.name or host


def security_of(settings: Mapping[str, Any] | str | None, root: Path, secrets: SecretSource) -> Security:
    """Return what `tls:` (as `TLS_SCHEMA` allows it) asks for."""
    if settings == NONE:
        return Plain()
    given: Mapping[str, Any] = settings if isinstance(settings, Mapping) else {}
    files = {name: root / given[name] if name in given else None for name in ("ca", "certificate")}
    return Tls(secrets, files["ca"], given.get("name", ""), files["certificate"], given.get("key", ""))


def troubles(settings: Mapping[str, Any] | str | None, root: Path) -> Iterator[Trouble]:
    """Yield what is wrong with `tls:` beyond its schema."""
    for name in ("ca", "certificate"):
        if isinstance(settings, Mapping) and name in settings:
            file = (root / settings[name]).resolve()
            if not file.is_relative_to(root.resolve()):
                yield Trouble(f"/connection/tls/{name}", "must be a file of the project, given relative to it")
            elif not file.is_file():
                yield Trouble(f"/connection/tls/{name}", "names a file that is not there")


def _of_the_machine() -> bytes:
    """Return the certificates of the authorities that this machine trusts, by the usual places of OpenSSL.

    Raises `FileNotFoundError` where there are none: the list that gRPC brings along is not what this machine trusts.
    """
    places = ssl.get_default_verify_paths()
    if places.cafile:
        return Path(places.cafile).read_bytes()
    found: dict[Path, bytes] = {}
    for file in sorted(Path(places.capath).iterdir()) if places.capath else ():
        real = file.resolve()
        if real.is_file() and real not in found and real.stat().st_size <= _LARGEST:
            content = real.read_bytes()
            if b"BEGIN CERTIFICATE" in content:
                found[real] = content
    if not found:
        raise FileNotFoundError(2, "this machine has no certificates of authorities; name them with tls: {ca: FILE}")
    return b"\n".join(found.values())
