"""The Model Context Protocol: every permitted operation as a tool, on streamable HTTP and over stdio."""

from interlock.experience.mcp.surface import Mcp

__all__ = ["Mcp"]
