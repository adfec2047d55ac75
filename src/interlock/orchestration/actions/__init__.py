"""Actions: one proposed use of an operation with its whole life, from proposal to outcome."""

from interlock.orchestration.actions.action import Action
from interlock.orchestration.actions.actions import Actions, Proposal
from interlock.orchestration.actions.errors import (
    ActionForbidden,
    ActionStateInvalid,
    ActionUnknown,
    EditRefused,
    IdempotencyKeyReused,
    NothingToUndo,
)
from interlock.orchestration.actions.execution import Execution
from interlock.orchestration.actions.judge import Judge
from interlock.orchestration.actions.settlement import Settlement
from interlock.orchestration.actions.trace import trace
from interlock.orchestration.actions.view import View
from interlock.orchestration.actions.waiting import Waiting

__all__ = [
    "Action",
    "ActionForbidden",
    "ActionStateInvalid",
    "ActionUnknown",
    "Actions",
    "EditRefused",
    "Execution",
    "IdempotencyKeyReused",
    "Judge",
    "NothingToUndo",
    "Proposal",
    "Settlement",
    "View",
    "Waiting",
    "trace",
]
