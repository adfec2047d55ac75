"""The `external` connector: Interlock decides, the caller executes and reports the result."""

from __future__ import annotations

from interlock.integration.connectors.external.plugin import plugin

__all__ = ["plugin"]
