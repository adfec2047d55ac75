"""What can go wrong with a session.

SessionUnknown, SessionForbidden, SessionClosed, SessionInvalid, PlanFixed, PlanTooLate, DeclassificationForbidden,
DeclassificationInvalid, PlaceUnseen
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class SessionUnknown(InterlockError):
    """No session of the caller's tenant has this id; foreign and forged ids look the same."""

    code = "session_unknown"
    status = 404
    title = "No such session"


class SessionForbidden(InterlockError):
    """The session is real, but the caller's authority does not cover what it asks of it."""

    code = "session_forbidden"
    status = 403
    title = "Not with this authority"


class SessionClosed(InterlockError):
    """The session was closed or has expired."""

    code = "session_closed"
    status = 409
    title = "The session is closed"


class SessionInvalid(InterlockError):
    """The session was asked for with facts that the project does not know, or with a plan that does not fit it."""

    code = "session_invalid"
    status = 422
    title = "The session cannot be opened like this"


class PlanFixed(InterlockError):
    """The session carries a plan already; a plan is neither replaced nor widened."""

    code = "plan_fixed"
    status = 409
    title = "The session has its plan"


class PlanTooLate(InterlockError):
    """Text that outsiders can write was read in the session, so a plan could be theirs."""

    code = "plan_too_late"
    status = 409
    title = "Too late for a plan"


class DeclassificationForbidden(InterlockError):
    """Whoever asks may not lower this label in this session: no present approver, not cleared, or their own session."""

    code = "declassification_forbidden"
    status = 403
    title = "Not for you to declassify"


class DeclassificationInvalid(InterlockError):
    """A declassification gives no reason, names no place, or lowers nothing that may be lowered."""

    code = "declassification_invalid"
    status = 422
    title = "Nothing is declassified by this"


class PlaceUnseen(InterlockError):
    """The session has seen no value at the place that is to be declassified."""

    code = "place_unseen"
    status = 422
    title = "Not seen in this session"
