"""The interfaces that clients speak: what each takes, and how it is answered, whole, as a stream, or with an error."""

from __future__ import annotations

from interlock.experience.openai.dialects.chat import Chat, model_list, one_model
from interlock.experience.openai.dialects.dialect import Dialect, Rendering

DIALECTS: dict[str, Dialect] = {dialect.path: dialect for dialect in (Chat(),)}
"""The dialects by the path that they are spoken at."""

__all__ = ["DIALECTS", "Chat", "Dialect", "Rendering", "model_list", "one_model"]
