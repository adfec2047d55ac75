"""The `mcp` connector: tools of an MCP server, as pinned in a file of the project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.authentication import AUTHENTICATION_SCHEMA, authentication
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.mcp.connector import McpConnector
from interlock.integration.connectors.mcp.http import HttpTransport
from interlock.integration.connectors.mcp.session import Connect
from interlock.integration.connectors.mcp.stdio import StdioTransport
from interlock.integration.connectors.mcp.survey import survey_of
from interlock.integration.connectors.mcp.tools import ToolsInvalid, definition, load_tools, named
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

PATIENCE = 30.0
"""Seconds that a server has to list its tools, whichever revisions of the protocol are tried."""
_REFERENCE = "secret:"


class McpPlugin:
    """Describes from the pinned tools, calls over streamable HTTP or stdio."""

    name = "mcp"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 1, "description": "the server's address, for streamable HTTP"},
            "auth": AUTHENTICATION_SCHEMA,
            "command": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "description": "for stdio: the server's program and its arguments, run in the project's folder",
            },
            "env": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "environment variables for the program; a value may be a reference such as secret:crm",
            },
            "tools": {
                "type": "string",
                "minLength": 1,
                "description": "the pinned tool definitions (a tools/list result), a file of the project",
            },
        },
        "required": ["tools"],
        "oneOf": [{"required": ["url"]}, {"required": ["command"]}],
        "dependentRequired": {"auth": ["url"], "env": ["command"]},
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        troubles = list(_address(system.connection))
        file = (root / system.connection["tools"]).resolve()
        if not file.is_relative_to(root.resolve()):
            message = "must be a file of the project, given relative to it"
            return Description({}, (Trouble("/connection/tools", message),))
        try:
            tools = load_tools(file)
        except ToolsInvalid as error:
            return Description({}, (*troubles, Trouble("/connection/tools", str(error))))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a tool takes no header; write `idempotent: true` if it can be called twice"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = definition(named(tools, operation.origin or name))
            except ToolsInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", str(error)))
        return Description(definitions, tuple(troubles))

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        return McpConnector(system, definitions, _transport(system, ports))

    def recognises(self, source: Source) -> bool:  # noqa: ARG002 - an address alone does not tell
        """A server looks like any other address: it has to be said with `--kind`."""
        return False

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return the tools that the server at an address lists. Raises `SystemUnreachable` and `SourceUnfit`."""
        if not source.address.startswith(("http://", "https://")):
            raise SourceUnfit(
                "a server that is a program is pinned first", fix="interlock connect --out FILE -- PROGRAM ARGUMENTS"
            )
        system = SystemDeclaration("discovered", self.name, connection={"url": source.address})
        return survey_of(source, await self.discover(system, ports))

    async def discover(self, system: SystemDeclaration, ports: Ports) -> dict[str, Any]:
        """Return the live server's tools in the form of the file that pins them. Raises `SystemUnreachable`."""
        connector = McpConnector(system, {}, _transport(system, ports))
        try:
            async with asyncio.timeout(PATIENCE):
                return {"tools": await connector.tools()}
        except TimeoutError as error:
            raise SystemUnreachable(
                "the server cannot be asked for its tools",
                why=f"it said nothing of the protocol within {PATIENCE:g} seconds",
                fix="see whether it is a server of MCP, and whether it starts when it is called by hand",
            ) from error
        finally:
            await connector.close()


def _transport(system: SystemDeclaration, ports: Ports) -> Connect:
    """Return what opens a transport to the server. Raises `PackageMissing`."""
    Packages("mcp", "mcp", ("mcp",)).check()
    connection, limit = system.connection, system.limits.response
    longest = max([system.limits.timeout, *(one.timeout for one in system.operations.values())])

    def over_http(ended: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
        signer = authentication(connection.get("auth"), ports.secrets)
        return HttpTransport(ports.http, connection["url"], signer, longest, limit, ended).streams()

    def over_stdio(ended: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
        def environment() -> Mapping[str, str]:
            return {name: _revealed(text, ports) for name, text in connection.get("env", {}).items()}

        return StdioTransport(connection["command"], ports.root, environment, limit, ended).streams()

    return over_http if "url" in connection else over_stdio


def _revealed(text: str, ports: Ports) -> str:
    return ports.secrets.get(text).reveal() if text.startswith(_REFERENCE) else text


def _address(connection: Mapping[str, Any]) -> list[Trouble]:
    if "url" not in connection:
        return []
    parts = urlsplit(connection["url"])
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [Trouble("/connection/url", "must be an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble("/connection/url", "must not hold credentials; use `auth` with a reference to a secret")]
    return []


plugin = McpPlugin()
"""The entry point."""
