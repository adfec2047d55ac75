"""Where requests may go: to the host that was named, and never to an address that no business system has.

A name is checked by the addresses that it stands for at the moment of connecting, and these very addresses are
connected to: a name that changes its mind between the check and the connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from interlock.foundation.http.errors import HttpForbidden

_LOCAL = ("localhost", ".localhost")
METADATA = frozenset(
    map(
        ip_address,
        (
            *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23"),
            *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
            *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
        ),
    )
)
"""Where clouds hand out the credentials of the machine to whatever runs on it."""


def check_literal(host: str) -> None:
    """Raise `HttpForbidden` if *host* is an address, rather than a name, that no request may go to."""
    if why := _why_not(host):
        raise _forbidden(why)


@lru_cache(1024)
def _why_not(host: str) -> str:
    bare = host.strip("[]").partition("%")[0]
    try:
        return _never(_plain(ip_address(bare)))
    except ValueError:
        pass
    try:  # what systems still take for one: a single number, octal and hexadecimal ones
        return _never(IPv4Address(socket.inet_aton(bare))) if bare[:1].isdigit() else ""
    except OSError:
        return ""


def check_resolved(host: str, addresses: Sequence[str]) -> None:
    """Raise `HttpForbidden` if the name *host* stands for an address that a name may not stand for."""
    for text in addresses:
        address = _plain(ip_address(text.partition("%")[0]))
        why = _never(address)
        if not why and address.is_link_local:
            why = "its name stands for a link-local address"
        if not why and address.is_loopback and not (host == _LOCAL[0] or host.endswith(_LOCAL[1])):
            why = "its name stands for this machine, and is not localhost"
        if why:
            raise _forbidden(why)


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine by its own writing, an IPv6 address also in brackets.

    What is sent there in the clear stays on it, and only it can reach a server that listens there.
    """
    if host == _LOCAL[0]:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address only wraps, else the address itself."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _never(address: IPv4Address | IPv6Address) -> str:
    if address in METADATA:
        return "that is where a cloud hands out the machine's own credentials"
    if address.is_multicast or address.is_unspecified or (address.is_reserved and not address.is_loopback):
        return "that is not the address of a single machine"
    return ""


def _forbidden(why: str) -> HttpForbidden:
    return HttpForbidden(
        "this address is not connected to", sent=False, why=why, fix="name the system's own host, or its address"
    )
