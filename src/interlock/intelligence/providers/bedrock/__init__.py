"""Amazon Bedrock's Converse interface, natively."""

from __future__ import annotations

from interlock.intelligence.providers.bedrock.plugin import BedrockPlugin

plugin = BedrockPlugin()

__all__ = ["plugin"]
