"""OpenAI's Responses, without what they keep on the server."""

from __future__ import annotations

from interlock.experience.openai.dialects.responses.responses import Responses

__all__ = ["Responses"]
