"""What can go wrong with a session.

SessionUnknown, SessionForbidden, SessionClosed, SessionInvalid
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
    """The session was asked for with facts that the project does not know."""

    code = "session_invalid"
    status = 422
    title = "The session cannot be opened like this"
