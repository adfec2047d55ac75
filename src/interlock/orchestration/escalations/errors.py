"""What can go wrong with an escalation.

EscalationUnknown, EscalationForbidden, EscalationClosed, EscalationInvalid, EscalationAnswerInvalid
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class EscalationUnknown(InterlockError):
    """No escalation that the caller may see has this id."""

    code = "escalation_unknown"
    status = 404
    title = "No such escalation"


class EscalationForbidden(InterlockError):
    """The caller is not one who may answer this."""

    code = "escalation_forbidden"
    status = 403
    title = "Not this person's to answer"


class EscalationClosed(InterlockError):
    """The escalation was answered, closed or expired, or somebody else has taken it."""

    code = "escalation_closed"
    status = 409
    title = "Not open to this person any more"


class EscalationInvalid(InterlockError):
    """Nobody can be asked as it was wanted."""

    code = "escalation_invalid"
    status = 422
    title = "This cannot be put before anybody"


class EscalationAnswerInvalid(InterlockError):
    """The answer does not have the form that is needed to go on with it."""

    code = "escalation_answer_invalid"
    status = 422
    title = "The answer does not fit"
