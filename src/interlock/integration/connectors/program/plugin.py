"""The `program` connector: operations are declared commands with typed places; there is no shell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.program import survey
from interlock.integration.connectors.program.connection import PROPERTIES, encoding_of, troubles
from interlock.integration.connectors.program.connector import ProgramConnector
from interlock.integration.connectors.program.definitions import Job, define, job_of
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition


class ProgramPlugin:
    """Describes from the declaration and the copybooks that it names."""

    name = "program"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            **PROPERTIES,
            "encoding": {"type": "string", "description": "of texts in and out; by default utf-8"},
            "memory": {"type": "string", "description": "address space of a process at most, such as 512MiB"},
        },
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        found = list(_troubles(system.connection, root))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a program takes no header; write `idempotent: true` if it can be run twice"
                found.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, job_of(operation, system, root))
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

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


def _troubles(connection: Mapping[str, Any], root: Path) -> Iterator[Trouble]:
    yield from troubles(connection, root)
    try:
        size(connection.get("memory", "1GiB"))
    except QuantityInvalid as error:
        yield Trouble("/connection/memory", f"{error.what}; {error.fix}")


plugin = ProgramPlugin()
"""The entry point."""
