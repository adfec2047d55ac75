"""Systems that publish an OpenAPI document."""

from __future__ import annotations

from interlock.integration.connectors.openapi.plugin import plugin

__all__ = ["plugin"]
