"""Advice: which pattern of AI is the lightest that fits a use case."""

from __future__ import annotations

from interlock.assessment.advice.patterns import PATTERNS, Advice, Answers, Knowledge, Relation, Risk, Steps, advise

__all__ = ["PATTERNS", "Advice", "Answers", "Knowledge", "Relation", "Risk", "Steps", "advise"]
