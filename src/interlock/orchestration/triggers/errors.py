"""Errors of triggers.

InterlockError
 +-- TriggerUnknown     there is no such trigger
 +-- ScheduleInvalid    a schedule is not written as cron has it
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class TriggerUnknown(InterlockError):
    """A trigger that the project does not have."""

    code = "trigger_unknown"
    status = 404
    title = "There is no such trigger"


class ScheduleInvalid(InterlockError):
    """A schedule that nobody could keep."""

    code = "schedule_invalid"
    status = 400
    title = "The schedule is not valid"
