"""The loop guard: an agent that repeats itself, or does too much in one session, is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopGuard:
    """The limits of one session; 0 stands for none.

    *repeats* is how often the same operation with the same arguments may be proposed, the first time
    included; *operation_calls* how often one operation may be; *actions* how many actions there may be.
    """

    actions: int = 0
    repeats: int = 0
    operation_calls: int = 0

    def stricter(self, other: LoopGuard) -> LoopGuard:
        """Return the guard that holds to both."""
        return LoopGuard(
            _least(self.actions, other.actions),
            _least(self.repeats, other.repeats),
            _least(self.operation_calls, other.operation_calls),
        )

    def check(self, usage: Mapping[str, int]) -> dict[str, str] | None:
        """Return the guard of a snapshot (`rule`, `text`, `outcome`) if one more action is one too many.

        *usage* counts what came before: `session_actions`, `operation_calls` (of this operation), `repeats`
        (of it with the same arguments).
        """
        if self.repeats and usage.get("repeats", 0) >= self.repeats:
            text = f"The same action was already asked for {_times(usage['repeats'])} in this session"
            return _deny("loop-repeats", f"{text}; the limit is {self.repeats}")
        if self.operation_calls and usage.get("operation_calls", 0) >= self.operation_calls:
            text = f"This operation was already used {_times(usage['operation_calls'])} in this session"
            return _deny("loop-operation", f"{text}; the limit is {self.operation_calls}")
        if self.actions and usage.get("session_actions", 0) >= self.actions:
            text = f"This session has already had {usage['session_actions']} actions"
            return _deny("loop-session", f"{text}; the limit is {self.actions}")
        return None


def _least(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _deny(rule: str, text: str) -> dict[str, str]:
    return {"rule": rule, "text": text, "outcome": "deny"}
