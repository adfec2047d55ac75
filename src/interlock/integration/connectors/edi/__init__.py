"""Folders of X12 and EDIFACT interchanges."""

from __future__ import annotations

from interlock.integration.connectors.edi.plugin import plugin

__all__ = ["plugin"]
