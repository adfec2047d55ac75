"""What can go wrong with deciding an approval.

ApprovalUnknown, ApprovalForbidden, ApprovalClosed, ConsentStale
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class ApprovalUnknown(InterlockError):
    """No approval of the caller's tenant has this id."""

    code = "approval_unknown"
    status = 404
    title = "No such approval"


class ApprovalForbidden(InterlockError):
    """The caller is not one who may decide this: not in the role, or somehow its own requester."""

    code = "approval_forbidden"
    status = 403
    title = "Not this person's to decide"


class ApprovalClosed(InterlockError):
    """The approval was decided, expired, or voided."""

    code = "approval_closed"
    status = 409
    title = "Nothing left to decide"


class ConsentStale(InterlockError):
    """What was consented to is not what would run now: arguments, policy or the target record changed."""

    code = "consent_stale"
    status = 409
    title = "Things changed since this was shown"
