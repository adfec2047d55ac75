"""The `ldap` connector keeps the contract of connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interlock.testing.connectors import Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.foundation.http.test_client import certificate
from tests.integration.connectors.ldap.desk import PERSON, read, system, write
from tests.integration.connectors.ldap.relay import Relay
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, running

ANN = f"dn: uid=ann,ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann\nsn: Example\n"
FAULTS = {Condition.lost: "after", Condition.silent: "silent", Condition.endless: "endless"}


class TestLdap(ConnectorContract):
    plugin = "interlock.integration.connectors.ldap:plugin"
    drivers = ("ldap3", "pyasn1")

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        with running(certificate(root)) as directory:
            directory.ldif(ANN)
            async with Relay(directory.port, b"ou=people", FAULTS.get(condition, "")) as relay:
                port = free_port() if condition is Condition.refused else relay.port
                operations = {
                    "read": read("search", base=f"ou=people,{BASE}", filter="(uid=*)", attributes={"cn": "string"}),
                    "write": write("modify", dn=PERSON, attributes={"sn": "string"}),
                }
                told = system(port, operations)
                yield Rig(told, {}, {"uid": "ann", "sn": "x"}, {"directory": PASSWORD}, lambda: changed(directory.log))


def changed(log: Path) -> int:
    """Return how many changes the server has taken, by its own log."""
    return log.read_bytes().count(b" MOD dn=")
