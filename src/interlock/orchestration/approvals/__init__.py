"""Approvals: a requirement met by another person; who, by when, what they saw, what they decided."""

from interlock.orchestration.approvals.approval import Approval, ApprovalState
from interlock.orchestration.approvals.approvals import Approvals, Verdict
from interlock.orchestration.approvals.errors import (
    ApprovalClosed,
    ApprovalForbidden,
    ApprovalUnknown,
    ConsentStale,
)

__all__ = [
    "Approval",
    "ApprovalClosed",
    "ApprovalForbidden",
    "ApprovalState",
    "ApprovalUnknown",
    "Approvals",
    "ConsentStale",
    "Verdict",
]
