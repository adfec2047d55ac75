"""Dialogues with programs that have only a screen."""

from __future__ import annotations

from interlock.integration.connectors.terminal.plugin import plugin

__all__ = ["plugin"]
