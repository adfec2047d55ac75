"""The `webhook` connector: systems that send their events to the house."""

from __future__ import annotations

from interlock.integration.connectors.webhook.plugin import plugin

__all__ = ["plugin"]
