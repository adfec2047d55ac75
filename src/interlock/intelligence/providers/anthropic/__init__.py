"""Anthropic's Messages interface, natively."""

from __future__ import annotations

from interlock.intelligence.providers.anthropic.plugin import AnthropicPlugin

plugin = AnthropicPlugin()

__all__ = ["plugin"]
