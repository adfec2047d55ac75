"""One run of a job: what went in, what was tried, what came out, and what that turned out to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.foundation.clock import rfc3339
from interlock.values.labels import Label, label_from_json


class State(StrEnum):
    """How a run stands."""

    answered = "answered"
    abstained = "abstained"
    waiting = "waiting"  # a person has been asked
    queued = "queued"  # the input is kept for a later try


class Reason(StrEnum):
    """Why a route's answer was not taken. A model's own reasons are those of `Abstention`."""

    low_confidence = "low_confidence"
    confidence_unknown = "confidence_unknown"  # the estimator found nothing to estimate from
    invalid_answer = "invalid_answer"
    no_model = "no_model"
    declined = "declined"  # the model would not answer, or a guard did not let its answer through
    no_time = "no_time"
    unanswered = "unanswered"  # the person who was asked never answered


class Verdict(StrEnum):
    """What a result turned out to be worth."""

    accepted = "accepted"
    corrected = "corrected"
    rejected = "rejected"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure an answer is, 0 to 1: *value* is calibrated, *estimate* as the estimator gave it.

    *learnt* says whether there were outcomes enough to calibrate on; without, both are the same.
    """

    value: float
    estimate: float
    estimator: str
    learnt: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "value": round(self.value, 4),
            "estimate": round(self.estimate, 4),
            "estimator": self.estimator,
            "calibrated": self.learnt,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one route made of the job. *reason* says why its answer was not taken; empty if it was."""

    route: str
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    reason: str = ""
    confidence: Confidence | None = None
    provider: str = ""
    model: str = ""
    calls: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, without the result."""
        return {
            "route": self.route,
            "provider": self.provider,
            "model": self.model,
            "calls": self.calls,
            "reason": self.reason or None,
            "confidence": self.confidence.to_json() if self.confidence else None,
        }


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run. *version* is that of the prompt; *by* is `model` or `person`, empty where there is no result.

    *suggestion* is the best answer that was not sure enough: shown to the person who is asked, never to the caller.
    *estimate* and *correct* are what calibration learns from; *correct* is None until somebody has said.
    """

    id: str
    tenant: str
    job: str
    kind: str
    version: str
    principal: str
    created: float
    state: State
    given: Mapping[str, Any] = field(repr=False)
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    suggestion: Mapping[str, Any] | None = field(default=None, repr=False)
    reason: str = ""
    by: str = ""
    session: str = ""
    attempts: tuple[Attempt, ...] = ()
    label: Label = Label()
    verdict: str = ""
    correct: bool | None = None
    evaluation: bool = False
    revision: int = 0

    @property
    def best(self) -> Attempt | None:
        """The attempt whose result was taken, or else the surest one that has a result."""
        with_result = [attempt for attempt in self.attempts if attempt.result is not None]
        taken = [attempt for attempt in with_result if not attempt.reason]
        return next(iter(taken), None) or max(with_result, key=_sureness, default=None)

    @property
    def confidence(self) -> Confidence | None:
        """How sure the result is, or the best there was."""
        best = self.best
        return best.confidence if best else None

    def to_json(self) -> dict[str, Any]:
        """Return the run as its caller sees it."""
        best = self.best
        confidence = self.confidence
        return {
            "id": self.id,
            "job": self.job,
            "kind": self.kind,
            "version": self.version,
            "state": self.state.value,
            "result": self.result,
            "reason": self.reason or None,
            "by": self.by or None,
            "confidence": confidence.to_json() if confidence else None,
            "model": {"provider": best.provider, "model": best.model} if best and self.by == "model" else None,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "label": self.label.to_json(),
            "session": self.session or None,
            "verdict": self.verdict or None,
            "created_at": rfc3339(self.created),
        }

    def document(self) -> dict[str, Any]:
        """Return what is stored of it beside the columns that are searched."""
        attempts = [{**attempt.to_json(), "result": attempt.result} for attempt in self.attempts]
        return {
            "kind": self.kind,
            "version": self.version,
            "given": self.given,
            "result": self.result,
            "suggestion": self.suggestion,
            "reason": self.reason,
            "by": self.by,
            "session": self.session,
            "attempts": attempts,
            "label": self.label.to_json(),
        }


def _sureness(attempt: Attempt) -> float:
    return attempt.confidence.value if attempt.confidence else -1.0


def attempt_from_json(document: Mapping[str, Any]) -> Attempt:
    """Return the attempt of a stored run."""
    told = document["confidence"]
    confidence = None
    if told is not None:
        confidence = Confidence(told["value"], told["estimate"], told["estimator"], told["calibrated"])
    return Attempt(
        document["route"],
        document["result"],
        document["reason"] or "",
        confidence,
        document["provider"],
        document["model"],
        document["calls"],
    )


def run_from_document(document: Mapping[str, Any], **columns: Any) -> JobRun:
    """Return the run of a stored document and its columns."""
    stored = dict(document)
    stored["attempts"] = tuple(attempt_from_json(attempt) for attempt in stored["attempts"])
    stored["label"] = label_from_json(stored["label"])
    return JobRun(**stored, **columns)
