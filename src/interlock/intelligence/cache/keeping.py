"""Which answers are worth keeping: whole ones in words, from the model that was meant, that nobody had to change."""

from __future__ import annotations

from interlock.intelligence.gateway import ModelReply
from interlock.intelligence.usage.prices import UNMETERED

WHOLE = frozenset({"", "stop"})


def worth_keeping(reply: ModelReply) -> bool:
    """Return whether *reply* may be given again.

    It may not where it calls tools, declines, is cut short, comes from what is no model (rules cost nothing, and stand
    in for a model that is down), or where something was noted of it: another version than the pinned one, a guard.
    """
    if reply.tool_calls or reply.declined or not reply.text or reply.finish not in WHOLE:
        return False
    if reply.provider in UNMETERED or not reply.attempts:
        return False
    last = reply.attempts[-1]
    return last.outcome == "ok" and not last.why
