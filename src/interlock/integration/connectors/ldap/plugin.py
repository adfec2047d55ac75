"""The `ldap` connector: entries of a directory that are searched, read and changed as declared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.ldap import survey
from interlock.integration.connectors.ldap.connector import LdapConnector
from interlock.integration.connectors.ldap.definitions import define, job_of
from interlock.integration.connectors.ldap.servers import server_of, troubles
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_NAME = {"type": "string", "minLength": 1, "maxLength": 1000}


class LdapPlugin:
    """Describes from the declaration alone, speaks LDAP version 3."""

    name = "ldap"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^ldaps?://[^\\x00-\\x20]+$",
                "maxLength": 300,
                "description": "ldaps://HOST[:PORT], or ldap://HOST[:PORT], where TLS is begun by StartTLS",
            },
            "tls": {"type": "boolean", "description": "false for ldap:// without TLS"},
            "ca": {**_NAME, "description": "a file of authorities (PEM) to trust instead of the machine's"},
            "auth": {
                "type": "object",
                "properties": {"dn": {**_NAME, "description": "the name we log in with"}, "password": REFERENCE},
                "required": ["dn", "password"],
                "additionalProperties": False,
                "description": "who we are (a simple bind); without it nobody in particular",
            },
            "base": {**_NAME, "description": "the entry at and under which operations work; they reach no other"},
        },
        "required": ["url", "base"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        found = list(troubles(system.connection, root))
        if any(one.pointer == "/connection/base" for one in found):
            return Description({}, tuple(found))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "an operation of LDAP takes no key; write `idempotent: true` where it can be run twice"
                found.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, job_of(operation, system.connection["base"]))
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is the address of a directory."""
        return survey.recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - nothing of it is needed
        """Return what can be done with the usual entries. Raises `SourceUnfit`, `SystemUnreachable`."""
        return await survey.survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        Packages("ldap", "ldap", ("ldap3",)).check()
        jobs = {name: job_of(system.operations[name], system.connection["base"]) for name in definitions}
        server = server_of(system.connection, ports.root)
        return LdapConnector(system, definitions, jobs, server, ports.secrets)


plugin = LdapPlugin()
"""The entry point."""
