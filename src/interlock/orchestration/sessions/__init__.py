"""Sessions: the frame around a piece of work, opened with a person's authority and not extendable by an agent."""

from interlock.orchestration.sessions.errors import (
    DeclassificationForbidden,
    DeclassificationInvalid,
    PlaceUnseen,
    PlanFixed,
    PlanTooLate,
    SessionClosed,
    SessionForbidden,
    SessionInvalid,
    SessionUnknown,
)
from interlock.orchestration.sessions.plan import Plan, PlanStep
from interlock.orchestration.sessions.registry import Opening, Sessions
from interlock.orchestration.sessions.session import Session

__all__ = [
    "DeclassificationForbidden",
    "DeclassificationInvalid",
    "Opening",
    "PlaceUnseen",
    "Plan",
    "PlanFixed",
    "PlanStep",
    "PlanTooLate",
    "Session",
    "SessionClosed",
    "SessionForbidden",
    "SessionInvalid",
    "SessionUnknown",
    "Sessions",
]
