"""The `terminal` connector: declared dialogues with programs that have only a screen. Fragile: the last resort."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.program.connection import PROPERTIES, encoding_of, troubles
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.connectors.terminal.connector import TerminalConnector
from interlock.integration.connectors.terminal.definitions import Job, define, job_of
from interlock.integration.connectors.terminal.survey import survey
from interlock.integration.contracts import Definition


class TerminalPlugin:
    """Describes from the declaration alone."""

    name = "terminal"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            **PROPERTIES,
            "encoding": {"type": "string", "description": "of what is typed and shown; by default utf-8"},
        },
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        found = list(troubles(system.connection, root))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a screen takes no header; write `idempotent: true` if the dialogue can be held twice"
                found.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, job_of(operation))
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

    def recognises(self, source: Source) -> bool:  # noqa: ARG002 - any program might have one
        """Return False: only whoever connects knows that a program has nothing but a screen."""
        return False

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return a dialogue to be filled in. Raises `SourceUnfit`."""
        return await asyncio.to_thread(survey, source, ports.root)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        jobs: dict[str, Job] = {name: job_of(system.operations[name]) for name in definitions}
        encoding = encoding_of(system.connection)
        return TerminalConnector(system, jobs, ports.secrets, root=ports.root.resolve(), encoding=encoding)


plugin = TerminalPlugin()
"""The entry point."""
