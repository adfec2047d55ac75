"""SQL databases."""

from __future__ import annotations

from interlock.integration.connectors.sql.plugin import plugin

__all__ = ["plugin"]
