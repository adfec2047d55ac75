"""Fault points: places where a test lets the process die as if the power had gone.

With `INTERLOCK_FAULT=point[:nth]` in the environment when this module is imported, the nth time (from 1)
that the point is reached the process kills itself with SIGKILL. Otherwise `fault` does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from interlock.foundation.faults.errors import FaultUnknown

VARIABLE = "INTERLOCK_FAULT"

POINTS = (
    "action.before_intent",  # decided, nothing of it durable
    "action.after_intent",  # the intent is durable, the system not yet called
    "action.before_call",  # just before the system is called
    "action.after_call",  # the system answered, the result not yet durable
    "action.after_result",  # the result is durable, the caller not yet told
    "approval.before_commit",  # a person decided, nothing of it durable
    "approval.after_commit",  # their decision is durable, the action not yet run
    "budget.after_reservation",  # the worst case of a model call is reserved, the model not yet called
    "settle.before_read_back",  # after a crash, before the system is asked what happened
    "settle.after_read_back",  # the system said, the outcome not yet durable
    "escalation.before_commit",  # a person answered, nothing of it durable
    "escalation.after_commit",  # their answer is durable, what waits for it not yet told
    "turn.kept",  # the model's calls are durable, none of them taken up
    "turn.before_resume",  # what a turn waited for has ended, nothing of its going on durable
    "turn.resumed",  # it is durable that a turn goes on, the model not yet told
    "turn.before_end",  # the model has answered, the end of the turn not yet durable
    "turn.handed_over",  # the end of a turn is durable, and who goes on; that one has not begun
    "team.kept",  # which turns a team gives next is durable, none of them begun
    "event.before_commit",  # an event is proven, nothing of it durable
    "event.after_commit",  # an event is durable, its sender not yet told
    "trigger.before_turn",  # session and turn of a trigger are named durably, the turn has not begun
    "files.staged",  # a file is written beside its place, nothing is kept of its key
    "files.noted",  # the key is kept, the file not yet in its place
    "files.placed",  # the file is in its place, which is not yet kept
    "journal.before_commit",  # inside the writer, before the transaction is committed
    "journal.after_commit",  # inside the writer, after it, before anyone is told
)
"""Every point that may be named."""


def armed(setting: str, die: Callable[[], None]) -> Callable[[str], None]:
    """Return the fault function for *setting* (`point[:nth]`, or empty); it calls *die* at its moment.

    Raises `FaultUnknown` for a point that is not in `POINTS` or a count that is no number from 1.
    """
    if not setting:
        return _nothing
    point, _, count = setting.partition(":")
    if point not in POINTS or (count and (not count.isdigit() or int(count) < 1)):
        raise FaultUnknown(
            f"{VARIABLE} names no fault point",
            fix=f"write POINT or POINT:NTH with one of {', '.join(POINTS)}",
        )
    left = int(count or "1")

    def fault(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                die()

    return fault


def _nothing(name: str) -> None:
    """Do nothing: no point is armed."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


fault = armed(os.environ.get(VARIABLE, ""), _die)
"""Say that the point with this name (one of `POINTS`) is reached."""
