"""How sure one can be of a model's answer: estimates of it, and what they have been worth so far."""

from __future__ import annotations

from interlock.intelligence.confidence.agreement import agreement
from interlock.intelligence.confidence.calibration import Bin, Calibration, Outcome, Reliability, reliability
from interlock.intelligence.confidence.grounding import grounding, leaves
from interlock.intelligence.confidence.logprobs import likelihood, logprobs_of

__all__ = [
    "Bin",
    "Calibration",
    "Outcome",
    "Reliability",
    "agreement",
    "grounding",
    "leaves",
    "likelihood",
    "logprobs_of",
    "reliability",
]
