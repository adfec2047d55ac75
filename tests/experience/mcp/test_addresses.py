"""A web page cannot reach the server under a name of its own."""

from __future__ import annotations

import pytest

from interlock.experience.mcp.addresses import Addresses
from interlock.experience.mcp.errors import HostRefused, OriginRefused


def check(addresses: Addresses, host: str, origin: str | None = None) -> None:
    headers = {b"host": host.encode()}
    if origin is not None:
        headers[b"origin"] = origin.encode()
    addresses.check(headers)


@pytest.mark.parametrize("host", ["localhost:8640", "127.0.0.1", "[::1]:8640", "LOCALHOST"])
def test_loopback_names_are_its_own(host: str) -> None:
    check(Addresses("127.0.0.1", ""), host)


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example", "", "localhost@attacker.example", "[", "10.0.0.7:8640"]
)
def test_another_name_is_refused(host: str) -> None:
    with pytest.raises(HostRefused):
        check(Addresses("127.0.0.1", ""), host)


def test_its_public_name_is_its_own_and_so_is_the_page_served_there() -> None:
    addresses = Addresses("0.0.0.0", "https://interlock.acme.example")
    check(addresses, "interlock.acme.example", "https://interlock.acme.example")
    with pytest.raises(HostRefused):
        check(addresses, "attacker.example")


@pytest.mark.parametrize(
    "origin", ["https://attacker.example", "null", "", "file://", "http://localhost.attacker.example"]
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    with pytest.raises(OriginRefused):
        check(Addresses("127.0.0.1", ""), "localhost:8640", origin)


def test_a_server_that_listens_everywhere_takes_only_pages_of_the_name_it_is_called_by() -> None:
    addresses = Addresses("0.0.0.0", "")
    check(addresses, "10.0.0.7:8640")
    check(addresses, "10.0.0.7:8640", "http://10.0.0.7:8640")
    with pytest.raises(OriginRefused):
        check(addresses, "10.0.0.7:8640", "http://attacker.example")
