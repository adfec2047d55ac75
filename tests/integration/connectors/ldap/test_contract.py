"""The `ldap` connector keeps the contract of connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interlock.testing.connectors import Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.foundation.http.certificates import certificate
from tests.integration.connectors.ldap.desk import PERSON, read, system, write
from tests.integration.connectors.ldap.relay import Relay
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, running

ANN = f"dn: uid=ann,ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann\nsn: Example\n"
EXPIRED = f"""dn: cn=expired,{BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: expired
userPassword: {PASSWORD}
pwdPolicySubentry: cn=strict,{BASE}
pwdChangedTime: 20200101000000Z
"""
FAULTS = {
    Condition.lost: "after",
    Condition.silent: "silent",
    Condition.endless: "endless",
    Condition.slow: "slow",
    Condition.truncated: "truncated",
    Condition.garbled: "garbled",
    Condition.mistyped: "mistyped",
    Condition.throttled: "busy",
}


class TestLdap(ConnectorContract):
    plugin = "interlock.integration.connectors.ldap:plugin"
    drivers = ("ldap3", "pyasn1")
    conditions = frozenset(Condition) - {Condition.unending, Condition.partial}  # an entry is one whole

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        with running(certificate(root)) as directory:
            directory.ldif(ANN)
            directory.ldif(EXPIRED)
            async with Relay(directory.port, b"ou=people", FAULTS.get(condition, "")) as relay:
                port = free_port() if condition is Condition.refused else relay.port
                shown = "noLongerThere" if condition is Condition.changed else "cn"
                operations = {
                    "read": read("search", base=f"ou=people,{BASE}", filter="(uid=*)", attributes={shown: "string"}),
                    "write": write("modify", dn=PERSON, attributes={"sn": "string"}),
                }
                us = f"cn={'expired' if condition is Condition.expired else 'service'},{BASE}"
                told = system(port, operations, auth={"dn": us, "password": "secret:directory"})
                yield Rig(told, {}, {"uid": "ann", "sn": "x"}, {"directory": PASSWORD}, lambda: changed(directory.log))


def changed(log: Path) -> int:
    """Return how many changes the server has taken, by its own log."""
    return log.read_bytes().count(b" MOD dn=")
