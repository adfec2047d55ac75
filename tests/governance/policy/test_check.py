"""The check of policies: every mistake is found, placed and explained, with the nearest right name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.governance.policy import (
    Finding,
    OperationShape,
    PolicyInvalid,
    Severity,
    check_policies,
    compile_policies,
)
from interlock.governance.policy.rules import statements
from interlock.values.operations import Effect, Operation
from tests.governance.policy.trading import POLICIES, SHAPES, WORLD

REFUND = 'permit (principal, action == Action::"billing.issue_refund", resource)'


def found(text: str) -> list[Finding]:
    return check_policies({"policies/a.cedar": text}, SHAPES, WORLD)


def errors(text: str) -> list[Finding]:
    return [finding for finding in found(text) if finding.severity is Severity.error]


def test_good_policies_have_no_findings() -> None:
    assert found(POLICIES) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n\npermit (principal, action, resource);", 3, ["policy 1", "@id", "missing"]),
        ("@id permit (principal, action, resource);", 1, ["@id", "missing"]),
        ('@id("a b") permit (principal, action, resource);', 1, ["letters"]),
        ('@id("a") permit (principal action, resource);', 1, ["parse", "action"]),
        (f'@id("a")\n{REFUND}\nwhen {{ context.input.order_id = 3 }};', 1, ["parse"]),
        (f'@id("a") {REFUND} when {{ true }}', 1, ["parse"]),
        ('@id("a") @id("b") permit (principal, action, resource);', 1, ["duplicate"]),
        ('@id("a") permit (principal == ?principal, action, resource);', 1, ["template"]),
        ('@id("a") @requires("confirm") permit (principal, action, resource);', 1, ["@requires", "@require"]),
        ('@id("a") @require("approve:x") permit (principal, action, resource);', 1, ["approval:ROLE:COUNT"]),
        ('@id("a") @require("approval:support:0") permit (principal, action, resource);', 1, ["approval:ROLE"]),
        ('@id("a") @require(" ; ") permit (principal, action, resource);', 1, ["@require is empty"]),
        ('@id("a") @require("confirm") @because("b") forbid (principal, action, resource);', 1, ["forbid"]),
        ('@id("a")\n@require("step-up:strog") permit (principal, action, resource);', 2, ["'strong'"]),
        ('@id("a") @require("approval:billing-leed") permit (principal, action, resource);', 1, ["'billing-lead'"]),
        ('@id("a")\npermit (principal in Role::"suport", action, resource);', 2, ["role 'suport'", "'support'"]),
        ('@id("a") permit (principal, action == Action::"billing.isue_refund", resource);', 1,
         ["'billing.issue_refund'"]),
        ('@id("a") permit (principal, action == Action::"read", resource);', 1, ["group", "action in"]),
        ('@id("a") permit (principal, action, resource == System::"order");', 1, ["system 'order'", "'orders'"]),
        ('@id("a") permit (principal is Peson, action, resource);', 1, ["'Person'"]),
        ('@id("a") permit (principal, action, resource) when { principal in Role::"x" };', 1, ["role 'x'"]),
        ('@id("a") permit (principal, action, resource) when { User::"x" == principal };', 1, ["'User'"]),
        (f'@id("a") {REFUND}\nwhen {{\n context.input.amnt > 3 }};', 3, ["`context.input`", "'amount'"]),
        (f'@id("a") {REFUND} when {{ context.facts.order has totl }};', 1, ["`context.facts.order`", "'total'"]),
        (f'@id("a") {REFUND} when {{ context.input.either == "x" }};', 1, ["no `either`"]),
        (f'@id("a") {REFUND} when {{ principal.attributes has regoin }};', 1, ["'region'"]),
        (f'@id("a") {REFUND} when {{ context.input.reason == "x" }};', 1, ["absent", "context.input has reason"]),
        (f'@id("a") {REFUND} when {{ context.facts.order.shipped == "x" }};', 1, ["may be absent"]),
        (f'@id("a") {REFUND} when {{ context.input.amount > 3 }};', 1, [".lessThanOrEqual"]),
        (f'@id("a") {REFUND} when {{ context.input.order_id == "x" }};', 1, ["Long", "String"]),
        (f'@id("a") {REFUND} when {{ context.input.amount == decimal("1.23456") }};', 1, ["decimal"]),
        ('@id("a") permit (principal, action, resource) when { context.input.id == 1 };', 1,
         ["input.id", "billing.issue_refund"]),
        (f'@id("a") {REFUND} when {{ principal.tenant == "acmee" }};', 1, ["never 'acmee'", "'acme'"]),
        (f'@id("a") {REFUND} when {{ ["suport"].containsAny(principal.roles) }};', 1, ["'support'"]),
        (f'@id("a") {REFUND} when {{ context.session.verification == "stron" }};', 1, ["'strong'"]),
        (f'@id("a") {REFUND} when {{ context.session.done.contains("orders.gt") }};', 1, ["'orders.get'"]),
        (f'@id("a") {REFUND} when {{ context.origins.order_id.sources.contains("human") }};', 1, ["never 'human'"]),
        (f'@id("a") {REFUND} when {{ context.data.confidentiality == "restrictd" }};', 1, ["'restricted'"]),
        ('@id("a") permit (principal, action == Action::"orders.get", resource == System::"billing");', 1,
         ["fits no operation"]),
    ],
)  # fmt: skip
def test_a_mistake_is_found_placed_and_explained(text: str, line: int, words: list[str]) -> None:
    findings = errors(text)
    assert findings, "nothing was found"
    first = findings[0]
    assert (first.file, first.line) == ("policies/a.cedar", line)
    for word in words:
        assert word in first.reason


def test_an_id_is_unique_over_all_files() -> None:
    text = f'@id("a") {REFUND};'
    findings = check_policies({"b.cedar": text, "a.cedar": text}, SHAPES, WORLD)
    assert [(finding.file, finding.policy) for finding in findings] == [("b.cedar", "a")]
    assert "a.cedar:1" in findings[0].reason


def test_all_mistakes_are_reported_at_once_and_refuse_the_policies() -> None:
    text = f'@id("a") {REFUND} when {{ context.input.amount > 3 }};\n@id("b") nonsense;\n' + POLICIES
    with pytest.raises(PolicyInvalid) as caught:
        compile_policies({"p.cedar": text}, SHAPES, WORLD)
    assert [(finding.line, finding.policy) for finding in caught.value.findings] == [(1, "a"), (2, "b")]
    assert "p.cedar:2: b:" in str(caught.value)
    assert caught.value.problem()["details"]["findings"][0]["line"] == 1


@pytest.mark.parametrize(
    "text",
    [
        '@id("a") forbid (principal, action, resource);',
        '@id("a") @require("confirm") permit (principal, action, resource);',
    ],
)
def test_a_missing_reason_is_advice(text: str) -> None:
    (finding,) = found(text)
    assert finding.severity is Severity.advice
    assert "@because" in finding.reason
    compile_policies({"p.cedar": text}, SHAPES, WORLD)


def test_a_policy_about_an_effect_that_nothing_has_is_advice() -> None:
    text = '@id("a") permit (principal, action in [Action::"irreversible"], resource);'
    (finding,) = check_policies({"p.cedar": text}, SHAPES[:1], WORLD)
    assert finding.severity is Severity.advice


def test_the_words_of_a_project_are_checked_too() -> None:
    shapes = [OperationShape(Operation("read", "x", Effect.read))]
    reasons = [finding.reason for finding in check_policies({}, shapes, replace(WORLD, approver_role="boss"))]
    assert any("'read'" in reason for reason in reasons)
    assert any("'boss'" in reason for reason in reasons)


def test_statements_are_split_at_semicolons_outside_strings_and_comments() -> None:
    text = (
        '// first; comment\n@id("a") @require("confirm; draft")\npermit (principal, action, resource) // x;\n;'
        '\n\n // last\n@id("b\\";") forbid (principal, action, resource);\n// end; of file\n'
    )
    assert [(statement.line, statement.text[:7]) for statement in statements("f", text)] == [
        (2, '@id("a"'),
        (7, '@id("b\\'),
    ]
