"""Where a system is, and which addresses that is now; they are checked like those of HTTP, and these are used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from interlock.foundation.http.egress import is_loopback
from interlock.foundation.http.sockets import spots

_TARGET = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}))):(?P<port>[0-9]{1,5})"
)


class TargetInvalid(ValueError):
    """What is written names no host and port."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host (a name or an address) and a port."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """The target as calls name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is certainly on this machine."""
        return is_loopback(self.host) or self.host.endswith(".localhost")

    async def addresses(self) -> tuple[str, ...]:
        """Return the addresses to connect to, checked. Raises `HttpForbidden` and `OSError`."""
        return tuple(dict.fromkeys(one.address for one in await spots(self.host, self.port)))


def target_of(text: str) -> Target:
    """Return what `HOST:PORT` or `[IPv6]:PORT` names. Raises `TargetInvalid`."""
    found = _TARGET.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65_536:
        raise TargetInvalid("must be HOST:PORT, without a scheme or a path")
    if found["six"]:
        try:
            return Target(str(IPv6Address(found["six"])), int(found["port"]))
        except ValueError:
            raise TargetInvalid("holds no IPv6 address between its brackets") from None
    return Target(found["name"], int(found["port"]))


def uri(addresses: tuple[str, ...], port: int) -> str:
    """Return *addresses* as gRPC's core takes them without asking any name service."""
    parsed = [ip_address(one.partition("%")[0]) for one in addresses]
    if all(one.version == 4 for one in parsed):
        return "ipv4:" + ",".join(f"{one}:{port}" for one in parsed)
    # One target has one family; an IPv4 address can be written as one of IPv6.
    return "ipv6:" + ",".join(f"[{one if one.version == 6 else f'::ffff:{one}'}]:{port}" for one in parsed)
