"""The `openai` provider: any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from interlock.intelligence.providers.openai.plugin import OpenAiPlugin

plugin = OpenAiPlugin()

__all__ = ["plugin"]
