"""The states an action passes through, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class ActionState(StrEnum):
    """`proposed -> decided -> waiting | denied | drafted | shadowed | executing -> ... -> compensated`."""

    waiting = "waiting"
    denied = "denied"
    drafted = "drafted"
    shadowed = "shadowed"
    cancelled = "cancelled"
    executing = "executing"
    succeeded = "succeeded"
    failed = "failed"
    in_doubt = "in_doubt"
    compensated = "compensated"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (ActionState.waiting, ActionState.executing, ActionState.in_doubt)


WITHOUT_EFFECT = frozenset(
    {
        ActionState.denied,
        ActionState.cancelled,
        ActionState.failed,
        ActionState.drafted,
        ActionState.shadowed,
    }
)
"""The final states in which nothing was done."""

FOLLOWS: dict[ActionState, frozenset[ActionState]] = {
    ActionState.waiting: frozenset(
        {ActionState.waiting, ActionState.executing, ActionState.denied, ActionState.drafted, ActionState.shadowed}
        | {ActionState.cancelled}
    ),
    ActionState.executing: frozenset({ActionState.succeeded, ActionState.failed, ActionState.in_doubt}),
    ActionState.in_doubt: frozenset({ActionState.succeeded, ActionState.failed}),
    ActionState.succeeded: frozenset({ActionState.compensated}),
}
"""Which state may follow which; a state that is not a key is final."""
