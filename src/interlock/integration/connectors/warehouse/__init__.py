"""Analytical reads: files of rows and databases behind an engine that only reads."""

from __future__ import annotations

from interlock.integration.connectors.warehouse.plugin import plugin

__all__ = ["plugin"]
