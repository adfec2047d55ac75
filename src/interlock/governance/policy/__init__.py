"""Policies in Cedar: the schema generated from the operations, the check, the compiled form and its evaluation."""

from __future__ import annotations

from interlock.governance.policy.compiled import (
    Policies,
    Slice,
    check_policies,
    compile_policies,
    permitted_operations,
)
from interlock.governance.policy.encoding import Mismatch
from interlock.governance.policy.errors import PolicyInvalid, SnapshotInvalid
from interlock.governance.policy.evaluation import Evaluation, Verdict, evaluate
from interlock.governance.policy.findings import Finding, Severity
from interlock.governance.policy.rules import ANNOTATIONS, Rule
from interlock.governance.policy.snapshot import Snapshot
from interlock.governance.policy.trace import Part, RuleTrace, Truth, trace
from interlock.governance.policy.world import OperationShape, World

__all__ = [
    "ANNOTATIONS",
    "Evaluation",
    "Finding",
    "Mismatch",
    "OperationShape",
    "Part",
    "Policies",
    "PolicyInvalid",
    "Rule",
    "RuleTrace",
    "Severity",
    "Slice",
    "Snapshot",
    "SnapshotInvalid",
    "Truth",
    "Verdict",
    "World",
    "check_policies",
    "compile_policies",
    "evaluate",
    "permitted_operations",
    "trace",
]
