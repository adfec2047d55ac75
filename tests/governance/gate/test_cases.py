"""A project's policy tests: the file format, what is left out, and what a failing case says."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest

from interlock.governance.gate import run_policy_tests
from interlock.governance.gate.cases import case_snapshot
from tests.governance.policy.trading import compiled

SCHEMA = json.loads(
    files("interlock.foundation.documents").joinpath("schemas", "policy-tests.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)
DOCUMENT: dict[str, Any] = {
    "defaults": {
        "principal": {"id": "desk", "roles": ["support"]},
        "operation": "billing.issue_refund",
        "input": {"order_id": 10248, "amount": 20},
        "session": {"customer": "ALFKI"},
        "facts": {"order": {"id": 10248, "customer_id": "ALFKI", "total": 440, "lines": []}, "refunded": 0},
        "origins": {"order_id": "person"},
    },
    "tests": [
        {"name": "small", "expect": {"outcome": "allow", "requirements": [], "rule": "refund-small"}},
        {
            "name": "large",
            "input": {"amount": 80},
            "expect": {"outcome": "wait", "requirements": ["confirm", "approval:billing-lead"]},
        },
        {
            "name": "steered",
            "origins": {"order_id": ["untrusted_field"]},
            "expect": {"outcome": "deny", "rule": "never-steered"},
        },
        {"name": "other customer", "session": {"customer": "X"}, "expect": {"outcome": "deny", "rule": "no-permit"}},
        {"name": "drafts", "modes": {"agent": "draft"}, "expect": {"outcome": "draft"}},
        {
            "name": "no facts",
            "guards": [{"rule": "facts", "text": "order", "outcome": "wait"}],
            "expect": {"outcome": "wait", "rule": "facts"},
        },
        {
            "name": "step up",
            "principal": {"kind": "person", "roles": ["clerk"]},
            "operation": "orders.purge",
            "session": {"verification": "strong"},
            "expect": {"outcome": "allow"},
        },
    ],
}


def test_cases_that_hold() -> None:
    VALIDATOR.validate(DOCUMENT)
    results = run_policy_tests([DOCUMENT], compiled())
    assert [result.problems for result in results] == [()] * len(DOCUMENT["tests"])
    assert all(result.passed for result in results)


def test_a_case_that_does_not_hold_says_what_came_instead() -> None:
    expect = {"outcome": "allow", "requirements": ["draft"], "rule": "refund-small"}
    document = {**DOCUMENT, "tests": [{"name": "wrong", "input": {"amount": 80}, "expect": expect}]}
    (result,) = run_policy_tests([document], compiled())
    assert not result.passed
    assert result.problems == (
        "the outcome is wait, not allow (rules: refund-large)",
        "it requires approval:billing-lead, confirm, not draft",
        "the rule refund-small is not among its reasons (refund-large)",
    )
    assert json.loads(json.dumps(result.to_json()))["decision"]["outcome"] == "wait"


def test_what_a_case_leaves_out_is_cautious() -> None:
    policies = compiled()
    one = case_snapshot({"operation": "billing.issue_refund"}, policies)
    assert one.principal["roles"] == []
    assert one.session["verified"] == 0
    assert one.session["verification"] == "none"
    assert not one.session["requested"]
    assert one.modes == {"operation": "automatic"}
    assert one.effect == "write"
    case = {"name": "n", "operation": "billing.issue_refund", "input": {"amount": 1}, "expect": {"outcome": "allow"}}
    text = """@id("a") permit (principal, action == Action::"billing.issue_refund", resource)
    when { context.origins.amount.unknown };"""
    document = {"tests": [case]}
    (result,) = run_policy_tests([document], compiled(text))
    assert result.passed


def test_an_operation_that_does_not_exist_is_denied() -> None:
    (result,) = run_policy_tests([{"tests": [{"name": "n", "expect": {"outcome": "deny"}}]}], compiled())
    assert result.passed


@pytest.mark.parametrize(
    "case",
    [
        {"name": "n"},
        {"expect": {"outcome": "allow"}},
        {"name": "n", "expect": {"outcome": "yes"}},
        {"name": "n", "expect": {"outcome": "deny"}, "sesion": {}},
        {"name": "n", "expect": {"outcome": "wait", "requirements": ["approve"]}},
        {"name": "n", "expect": {"outcome": "wait"}, "origins": {"a": "human"}},
        {"name": "n", "expect": {"outcome": "wait"}, "modes": {"agent": "fast"}},
    ],
)
def test_what_the_schema_refuses(case: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({"tests": [case]})
    assert not VALIDATOR.is_valid({"tests": []})
