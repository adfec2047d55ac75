"""Systems that speak GraphQL."""

from __future__ import annotations

from interlock.integration.connectors.graphql.plugin import plugin

__all__ = ["plugin"]
