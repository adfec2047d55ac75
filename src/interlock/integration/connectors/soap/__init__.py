"""Systems that speak SOAP."""

from __future__ import annotations

from interlock.integration.connectors.soap.plugin import plugin

__all__ = ["plugin"]
