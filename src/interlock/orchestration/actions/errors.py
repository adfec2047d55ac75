"""What can go wrong around an action. That policy refuses one is no error: it is the action's decision.

ActionUnknown, ActionForbidden, ActionStateInvalid, IdempotencyKeyReused, NothingToUndo, EditRefused
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class ActionUnknown(InterlockError):
    """No action that the caller may see has this id."""

    code = "action_unknown"
    status = 404
    title = "No such action"


class ActionForbidden(InterlockError):
    """The caller may see the action, but this step belongs to somebody else."""

    code = "action_forbidden"
    status = 403
    title = "Not this caller's to do"


class ActionStateInvalid(InterlockError):
    """The action is not in a state in which this can be done."""

    code = "action_state_invalid"
    status = 409
    title = "Not in this state"


class IdempotencyKeyReused(InterlockError):
    """The same Idempotency-Key came with another operation or other arguments."""

    code = "idempotency_key_reused"
    status = 422
    title = "The key was used for something else"


class NothingToUndo(InterlockError):
    """The operation declares no undo, or the action had no effect that could be undone."""

    code = "nothing_to_undo"
    status = 409
    title = "Nothing to undo"


class EditRefused(InterlockError):
    """Policy refuses the action with the arguments that the approver put in; the action itself is unchanged."""

    code = "edit_refused"
    status = 409
    title = "The edited action is refused"
