"""Google's Gemini interface, natively."""

from __future__ import annotations

from interlock.intelligence.providers.gemini.plugin import GeminiPlugin

plugin = GeminiPlugin()

__all__ = ["plugin"]
