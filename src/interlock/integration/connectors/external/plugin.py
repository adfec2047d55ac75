"""Describes operations that their caller runs; there is nothing to connect to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.errors import OperationExternal
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    Connector,
    Description,
    Ports,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.contracts import Definition


class ExternalPlugin:
    """Takes schemas from the declaration alone."""

    name = "external"
    connection_schema: Mapping[str, Any] = {"type": "object", "additionalProperties": False}

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        definitions: dict[str, Definition] = {}
        troubles: list[Trouble] = []
        for name, operation in system.operations.items():
            settings = operation.settings
            if "input" not in settings:
                message = "an external operation must declare its arguments: `input`, a JSON Schema of type object"
                troubles.append(Trouble(f"/operations/{name}", message))
                continue
            definitions[name] = Definition(
                settings["input"], settings.get("output_schema"), {"external": name}, settings.get("description", "")
            )
        return Description(definitions, tuple(troubles))

    def build(
        self,
        system: SystemDeclaration,  # noqa: ARG002 - nothing to connect to
        definitions: Mapping[str, Definition],  # noqa: ARG002 - nothing to connect to
        ports: Ports,  # noqa: ARG002 - nothing to connect to
    ) -> Connector:
        return ExternalConnector()


class ExternalConnector:
    """Stands where a connection would be; its operations are never called by us."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - never called
        raise OperationExternal(
            f"{operation} is executed by its caller", fix="report its result: POST /v1/actions/{id}/result"
        )

    async def probe(self, *, timeout: float) -> Answer:  # noqa: ARG002 - nothing is asked
        return Answer(SUCCEEDED)

    async def definitions(self) -> Mapping[str, Definition] | None:
        return None


plugin = ExternalPlugin()
"""The entry point."""
