"""Addresses of HTTP: which host and port are meant, and what is asked for there.

One reading decides where a connection goes, which name its certificate has to carry and what the request says. What
another program might read in another way (backslashes, spaces, dots and letters that only look like those of a host)
is refused rather than guessed at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from interlock.foundation.http.egress import check_literal
from interlock.foundation.http.errors import HttpForbidden, HttpUnreachable

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"https?://", re.IGNORECASE | re.ASCII)
_URL = re.compile(r"(https?)://([^/?#]*)([!-\[\]-~]*)", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:%\\]+)(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
_LONGEST_NAME = 253


class Place(NamedTuple):
    """Where connections go. *host* is an address or the name to ask for; *name* is what it is called there."""

    secure: bool
    host: str
    port: int
    name: str

    @property
    def is_address(self) -> bool:
        """Whether *host* is an address rather than a name."""
        return _is_address(self.host)

    @property
    def authority(self) -> str:
        """What the field `Host` says."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == _PORTS["https" if self.secure else "http"] else f"{name}:{self.port}"


def placed(url: str) -> tuple[Place, str]:
    """Return where *url* leads, and its path and query as they are given.

    Raises `HttpUnreachable` for what is no address of HTTP, `HttpForbidden` for where no request goes.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise invalid() if _SCHEME.match(url) else _unreachable("its address is not one of HTTP")
    scheme, authority, rest = found.groups()
    target = rest.partition("#")[0]
    return _place(scheme.lower(), authority), target if target.startswith("/") else f"/{target}"


@lru_cache(1024)
def _place(scheme: str, authority: str) -> Place:
    if "@" in authority:
        raise HttpForbidden(
            "the address holds credentials", sent=False, why="addresses are logged", fix="send them in a header"
        )
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise invalid()
    written, digits = found.groups()
    port = int(digits) if digits else _PORTS[scheme]
    host = written[1:-1].lower() if written.startswith("[") else _name(written)
    if not 0 < port < 1 << 16 or (written.startswith("[") and not _is_address(host)):
        raise invalid()
    check_literal(host)
    return Place(scheme == "https", host, port, host.removesuffix("."))


def _name(written: str) -> str:
    """Return the name of a host in the letters of the domain name system."""
    name = written.lower()
    if not name.isascii():
        try:
            coded = name.encode("idna").decode("ascii")
            if coded.encode("ascii").decode("idna") != name:  # it would stand for a name that reads differently
                raise invalid()
        except UnicodeError as error:
            raise invalid() from error
        name = coded
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise invalid()
    return name


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def invalid() -> HttpUnreachable:
    """Return the error for a request that might not be what it seems to be."""
    return _unreachable("its address or a header is not valid")


def _unreachable(why: str) -> HttpUnreachable:
    return HttpUnreachable("the request cannot be sent", sent=False, why=why)
