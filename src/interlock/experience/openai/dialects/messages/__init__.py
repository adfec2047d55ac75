"""Anthropic's Messages, for clients that speak nothing else."""

from __future__ import annotations

from interlock.experience.openai.dialects.messages.messages import Messages

__all__ = ["Messages"]
