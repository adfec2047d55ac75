"""The `http` connector: REST systems whose operations are described by hand, where no document describes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.http.answers import Meaning
from interlock.integration.connectors.http.definitions import define
from interlock.integration.connectors.http.survey import survey
from interlock.integration.connectors.http.values import Values
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.signing import SIGNING_SCHEMA
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.connectors.web.connector import Call, WebConnector
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.integration.connectors.web.settings import BASE_URL, HEALTH, address_troubles
from interlock.integration.contracts import Definition


class HttpPlugin:
    """Describes from the declaration alone, calls over HTTP."""

    name = "http"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"base_url": BASE_URL, "health": HEALTH, "auth": SIGNING_SCHEMA},
        "required": ["base_url"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        troubles = address_troubles(system.connection["base_url"], "/connection/base_url")
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            try:
                definitions[name] = define(operation, system)
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:  # noqa: ARG002 - any address might be one
        """Return False: only whoever connects knows that no document describes it."""
        return False

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - nobody is asked
        """Return a read to be filled in. Raises `SourceUnfit`."""
        return survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        base_url: str = system.connection["base_url"]
        calls = {name: _call(definition.binding, base_url) for name, definition in definitions.items()}
        return WebConnector(system, base_url, calls, ports)


def _call(binding: Mapping[str, Any], base_url: str) -> Call:
    values = Values(binding["values"], binding["usual"])
    return Call(RequestTemplate(binding, base_url), Meaning.bound(binding).of, values.of, binding.get("pages"))


plugin = HttpPlugin()
"""The entry point."""
