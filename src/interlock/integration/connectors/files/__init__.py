"""Folders of CSV, JSON, XML, Parquet and Excel files."""

from __future__ import annotations

from interlock.integration.connectors.files.plugin import plugin

__all__ = ["plugin"]
