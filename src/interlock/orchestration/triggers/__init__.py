"""Triggers: the events and moments that start an agent's work, as a project declares them."""

from __future__ import annotations

from interlock.orchestration.triggers.errors import ScheduleInvalid, TriggerUnknown
from interlock.orchestration.triggers.schedule import Schedule, schedule_of
from interlock.orchestration.triggers.spec import TriggerSpec, trigger_from_document

__all__ = [
    "Schedule",
    "ScheduleInvalid",
    "TriggerSpec",
    "TriggerUnknown",
    "schedule_of",
    "trigger_from_document",
]
