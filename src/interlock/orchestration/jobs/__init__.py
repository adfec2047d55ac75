"""Jobs that models are used for, each with a typed result and a say in how sure it must be."""

from __future__ import annotations

from interlock.orchestration.jobs.evaluation import Evaluation, EvaluationSet, reliability_json, set_from_document
from interlock.orchestration.jobs.jobs import Desk, JobBook, Jobs, Request
from interlock.orchestration.jobs.run import JobRun, Reason, State, Verdict
from interlock.orchestration.jobs.spec import JobSpec, job_from_document

__all__ = [
    "Desk",
    "Evaluation",
    "EvaluationSet",
    "JobBook",
    "JobRun",
    "JobSpec",
    "Jobs",
    "Reason",
    "Request",
    "State",
    "Verdict",
    "job_from_document",
    "reliability_json",
    "set_from_document",
]
