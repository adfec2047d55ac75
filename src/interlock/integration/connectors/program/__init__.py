"""The `program` connector: commands and batch programs of the machine, without a shell."""

from __future__ import annotations

from interlock.integration.connectors.program.plugin import plugin

__all__ = ["plugin"]
