"""Asking a live system what it publishes, to write the file that pins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from interlock.foundation.plugins import CONNECTORS, load_plugin
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.interface import Ports, SystemDeclaration


@runtime_checkable
class Discovering(Protocol):
    """What a plug-in whose systems publish their operations offers beside the seam that all have."""

    async def discover(self, system: SystemDeclaration, ports: Ports) -> dict[str, Any]:
        """Return what the live system publishes, as its pinned file holds it. Raises `SystemUnreachable`."""
        ...


async def discover(connector: str, connection: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Return what the system at *connection* publishes now.

    Raises `PluginMissing`, and `SystemUnreachable` where it cannot be asked or its connector cannot ask.
    """
    plugin = load_plugin(CONNECTORS, connector)
    if not isinstance(plugin, Discovering):
        raise SystemUnreachable(
            f"the connector {connector!r} cannot ask a system what it publishes",
            fix="write the file by hand, or take it from the system's documentation",
        )
    return await plugin.discover(SystemDeclaration("discovered", connector, connection=connection), ports)
