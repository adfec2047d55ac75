"""The gate: decides a snapshot under the policies, explains the decision, and runs a project's policy tests."""

from __future__ import annotations

from interlock.governance.gate.cases import CaseResult, run_policy_tests
from interlock.governance.gate.decision import LAYER_RULES, decide, strictest_mode
from interlock.governance.gate.explanation import Explanation, explain
from interlock.governance.policy import Snapshot

__all__ = [
    "LAYER_RULES",
    "CaseResult",
    "Explanation",
    "Snapshot",
    "decide",
    "explain",
    "run_policy_tests",
    "strictest_mode",
]
