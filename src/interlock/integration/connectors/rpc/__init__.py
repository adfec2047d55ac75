"""The `rpc` connector: methods called by JSON-RPC or XML-RPC over HTTP."""

from __future__ import annotations

from interlock.integration.connectors.rpc.plugin import plugin

__all__ = ["plugin"]
