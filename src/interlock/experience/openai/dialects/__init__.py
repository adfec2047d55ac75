"""The interfaces that clients speak: what each takes, and how it is answered, whole, as a stream, or with an error."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.experience.openai.dialects.chat import Chat
from interlock.experience.openai.dialects.dialect import Dialect, Rendering
from interlock.experience.openai.dialects.messages import Messages
from interlock.experience.openai.dialects.responses import Responses

DIALECTS: dict[str, Dialect] = {dialect.path: dialect for dialect in (Chat(), Responses(), Messages())}
"""The dialects by the path that they are spoken at."""

VERSION = b"anthropic-version"


def dialect_of(path: str, headers: Mapping[bytes, bytes]) -> Dialect:
    """Return the dialect of a request; at a path that several share, clients of Anthropic are known by a header."""
    found = DIALECTS.get(path)
    return found or DIALECTS[Messages.path if VERSION in headers else Chat.path]


__all__ = ["DIALECTS", "Dialect", "Rendering", "dialect_of"]
