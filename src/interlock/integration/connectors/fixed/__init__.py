"""Files of records that a COBOL copybook describes."""

from __future__ import annotations

from interlock.integration.connectors.fixed.plugin import plugin

__all__ = ["plugin"]
