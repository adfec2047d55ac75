"""Escalations: questions that a job or an agent could not answer, put before a person with all that was tried."""

from __future__ import annotations

from interlock.orchestration.escalations.desk import JobAnswers, JobDesk
from interlock.orchestration.escalations.escalation import Escalation, EscalationState, Question, Source, Wanted
from interlock.orchestration.escalations.escalations import Answered, Escalations
from interlock.orchestration.escalations.handover import Handover

__all__ = [
    "Answered",
    "Escalation",
    "EscalationState",
    "Escalations",
    "Handover",
    "JobAnswers",
    "JobDesk",
    "Question",
    "Source",
    "Wanted",
]
