"""Systems that are MCP servers."""

from __future__ import annotations

from interlock.integration.connectors.mcp.plugin import plugin

__all__ = ["plugin"]
