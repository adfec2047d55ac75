"""The `program` connector: operations are declared commands with typed places; there is no shell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.program import survey
from interlock.integration.connectors.program.connector import ProgramConnector
from interlock.integration.connectors.program.definitions import Job, define, encoding_of, job_of
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition


class ProgramPlugin:
    """Describes from the declaration and the copybooks that it names."""

    name = "program"
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
            "encoding": {"type": "string", "description": "of texts in and out; by default utf-8"},
            "memory": {"type": "string", "description": "address space of a process at most, such as 512MiB"},
        },
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        troubles = list(_troubles(system.connection, root))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a program takes no header; write `idempotent: true` if it can be run twice"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, job_of(operation, system, root))
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:  # noqa: ARG002 - any file may be a program
        """Return that nothing is one by itself: it has to be said."""
        return False

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return an operation for a program, which is not run. Raises `SourceUnfit`."""
        return await asyncio.to_thread(survey.survey, source, ports.root)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        jobs: dict[str, Job] = {}
        for name in definitions:
            jobs[name] = job_of(system.operations[name], system, ports.root)
        return ProgramConnector(
            system,
            jobs,
            ports.secrets,
            root=ports.root.resolve(),
            memory=size(system.connection["memory"]) if "memory" in system.connection else 0,
            encoding=encoding_of(system.connection),
        )


def _troubles(connection: Mapping[str, Any], root: Path) -> list[Trouble]:
    found = []
    folder = (root / connection.get("folder", ".")).resolve()
    if not folder.is_relative_to(root.resolve()):
        found.append(Trouble("/connection/folder", "must be a folder of the project, given relative to it"))
    if not encoding_of(connection):
        found.append(Trouble("/connection/encoding", "is no encoding that is known"))
    try:
        size(connection.get("memory", "1GiB"))
    except QuantityInvalid as error:
        found.append(Trouble("/connection/memory", f"{error.what}; {error.fix}"))
    return found


plugin = ProgramPlugin()
"""The entry point."""
