"""Where a call stands that has no answer: refused, waiting, failed or in doubt, as data and as a status of HTTP."""

from __future__ import annotations

from typing import Any

from interlock.experience.words import standing_words
from interlock.orchestration.actions import Action
from interlock.values.actions import ActionState

_STATUSES = {
    "not_found": 404,
    "conflict": 409,
    "version_changed": 409,
    "key_reused": 409,
    "key_ambiguous": 409,
    "refused": 422,
    "argument_unfit": 422,
    "argument_unsendable": 422,
    "rate_limited": 503,
    "system_busy": 503,
    "system_unavailable": 503,
    "timed_out": 504,
}
"""Statuses of what a system would not or could not do; 502 for all else."""
_PENDING = frozenset(
    {ActionState.waiting, ActionState.executing, ActionState.in_doubt, ActionState.drafted, ActionState.shadowed}
)


def pending(action: Action) -> bool:
    """Return whether a call was taken without being carried out, or without anybody knowing yet whether it was."""
    return action.state in _PENDING


def status_of(action: Action) -> int:
    """Return the status of HTTP for where *action* stands: 202 while it is pending, else that of an error."""
    if pending(action):
        return 202
    if action.state is ActionState.failed:
        return _STATUSES.get(str((action.problem or {}).get("code", "")), 502)
    return 403 if action.state is ActionState.denied else 409


def standing_of(action: Action) -> dict[str, Any]:
    """Return where *action* stands: its id, its state, what it waits for, and the reasons."""
    shown: dict[str, Any] = {
        "action": action.id,
        "state": action.state.value,
        "reasons": [reason.to_json() for reason in action.decision.reasons],
    }
    if action.state is ActionState.waiting:
        shown["waiting_for"] = [str(requirement) for requirement in action.unmet()]
    return shown


def words_of(action: Action) -> str:
    """Return where *action* stands in words."""
    if action.state is ActionState.waiting:
        return "Not done yet: it waits. Look at the action later, and do not call again for the same thing."
    return standing_words(action.state.value)


def code_of(action: Action) -> str:
    """Return the stable code of where *action* stands: the system's problem where it failed, else the state."""
    if action.state is ActionState.failed and action.problem is not None:
        return str(action.problem.get("code", "failed"))
    return action.state.value


def problem_of(action: Action) -> dict[str, Any]:
    """Return a problem document (RFC 9457) for an action that was not carried out."""
    code = code_of(action)
    problem = action.problem or {}
    document: dict[str, Any] = {
        "type": f"urn:interlock:facade:{code}",
        "title": words_of(action),
        "status": status_of(action),
        "code": code,
        "detail": str(problem.get("detail", words_of(action))),
        **standing_of(action),
    }
    return document | {name: problem[name] for name in ("system", "fix") if name in problem}
