"""The `grpc` connector: methods of services that files of the project describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.grpc.connection import CONNECTION_SCHEMA, PlaceInvalid, described, troubles
from interlock.integration.connectors.grpc.connector import GrpcConnector
from interlock.integration.connectors.grpc.definitions import OptionsInvalid, define
from interlock.integration.connectors.grpc.descriptors import DescriptorsInvalid
from interlock.integration.connectors.grpc.line import quiet
from interlock.integration.connectors.grpc.survey import recognises, survey
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_NAMES = {
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "grpc_reflection": "grpcio-reflection",
    "grpc_tools": "grpcio-tools",
}
_PACKAGES = Packages("grpc", "grpc", tuple(_NAMES), _NAMES)


class GrpcPlugin:
    """Describes from descriptors, calls over HTTP/2."""

    name = "grpc"
    connection_schema: Mapping[str, Any] = CONNECTION_SCHEMA

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        if (missing := _PACKAGES.trouble()) is not None:
            return Description({}, (missing,))
        found = list(troubles(system, root))
        try:
            descriptors = described(system.connection, root)
        except PlaceInvalid as error:
            return Description({}, (*found, Trouble(error.pointer, error.why)))
        definitions: dict[str, Definition] = {}
        for name, declared in system.operations.items():
            try:
                definitions[name] = define(descriptors, declared, descriptors.comments)
            except DescriptorsInvalid as error:
                found.append(Trouble(f"/operations/{name}/from", str(error)))
            except OptionsInvalid as error:
                found.append(Trouble(f"/operations/{name}/options", str(error)))
        return Description(definitions, tuple(found))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is an address of gRPC, or a file by the name of what describes one."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return every method that one call can be made of. Raises `SourceUnfit`, `SystemUnreachable`."""
        _needed()
        return await survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        _needed()
        return GrpcConnector(system, definitions, ports)


def _needed() -> None:
    _PACKAGES.check()
    quiet()


plugin = GrpcPlugin()
"""The entry point."""
