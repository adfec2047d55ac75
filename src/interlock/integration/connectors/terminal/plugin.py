"""The `terminal` connector: declared dialogues with programs that have only a screen. Fragile: the last resort."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.program.definitions import encoding_of
from interlock.integration.connectors.terminal.connector import TerminalConnector
from interlock.integration.connectors.terminal.definitions import Job, define, job_of
from interlock.integration.contracts import Definition


class TerminalPlugin:
    """Describes from the declaration alone."""

    name = "terminal"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "folder": {
                "type": "string",
                "minLength": 1,
                "description": "where programs run, relative to the project; by default the project itself",
            },
            "env": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"},
                "additionalProperties": {"type": "string"},
                "description": "variables for programs, such as secret:NAME; of ours they see the path and the locale",
            },
            "encoding": {"type": "string", "description": "of what is typed and shown; by default utf-8"},
        },
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        troubles: list[Trouble] = []
        if not (root / system.connection.get("folder", ".")).resolve().is_relative_to(root.resolve()):
            troubles.append(Trouble("/connection/folder", "must be a folder of the project, given relative to it"))
        if not encoding_of(system.connection):
            troubles.append(Trouble("/connection/encoding", "is no encoding that is known"))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a screen takes no header; write `idempotent: true` if the dialogue can be held twice"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, job_of(operation))
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        jobs: dict[str, Job] = {name: job_of(system.operations[name]) for name in definitions}
        encoding = encoding_of(system.connection)
        return TerminalConnector(system, jobs, ports.secrets, root=ports.root.resolve(), encoding=encoding)


plugin = TerminalPlugin()
"""The entry point."""
