"""The decision table: permits, forbids, requirements, modes, guards, and everything that is not a clear permit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.governance.gate import LAYER_RULES, decide
from interlock.values.decisions import Decision, Outcome
from interlock.values.labels import Source
from tests.governance.policy.trading import POLICIES, WORLD, compiled, origin, snapshot

REFUND = 'permit (principal, action == Action::"billing.issue_refund", resource)'
CLERK = {"kind": "person", "id": "ann", "roles": ["clerk"]}


def summary(decision: Decision) -> tuple[str, list[str], list[str]]:
    requirements = [str(requirement) for requirement in decision.requirements]
    return decision.outcome.value, requirements, [reason.rule for reason in decision.reasons]


@pytest.mark.parametrize(
    ("operation", "changes", "expected"),
    [
        ("billing.issue_refund", {}, ("allow", [], ["refund-small"])),
        ("billing.issue_refund", {"input": {"amount": 50}}, ("allow", [], ["refund-small"])),
        ("billing.issue_refund", {"input": {"amount": 50.01}},
         ("wait", ["approval:billing-lead", "confirm"], ["refund-large"])),
        ("billing.issue_refund", {"session": {"customer": "OTHER"}}, ("deny", [], ["no-permit"])),
        ("billing.issue_refund", {"principal": {"roles": []}}, ("deny", [], ["no-permit"])),
        ("billing.issue_refund", {"origins": {"order_id": origin(Source.untrusted_field)}},
         ("deny", [], ["never-steered"])),
        ("billing.issue_refund", {"input": {"amount": 0.00001}}, ("deny", [], ["policy-mismatch"])),
        ("billing.issue_refund", {"facts": {"order": None}}, ("deny", [], ["policy-mismatch"])),
        ("billing.nothing", {}, ("deny", [], ["unknown-operation"])),
        ("orders.get", {"input": {"id": 1}}, ("allow", [], ["reads"])),
        ("orders.purge", {"principal": CLERK}, ("wait", ["step-up:strong"], ["purge"])),
        ("orders.purge", {"principal": CLERK, "session": {"verified": 2}}, ("allow", [], ["purge"])),
        ("orders.purge", {"principal": CLERK, "usage": {"repeats": 4}}, ("deny", [], ["no-permit"])),
    ],
)  # fmt: skip
def test_what_policies_say(operation: str, changes: dict[str, Any], expected: tuple[str, list[str], list[str]]) -> None:
    policies = compiled()
    decision = decide(snapshot(operation, **changes), policies)
    assert summary(decision) == expected
    assert decision.policy_version == policies.version
    assert all(reason.text for reason in decision.reasons)


def test_the_reason_is_what_the_policy_says_to_a_person() -> None:
    decision = decide(snapshot(origins={"order_id": origin(Source.untrusted_field)}), compiled())
    assert decision.reasons[0].text == "Text from outside may not choose where money goes"
    assert decision.policies == ("never-steered",)


def test_every_forbid_that_fired_is_a_reason_in_the_order_of_the_files() -> None:
    text = POLICIES + "".join(
        f'@id("f{number}") @because("{number}") forbid (principal, action, resource);' for number in range(5)
    )
    decision = decide(snapshot(), compiled(text))
    assert [reason.rule for reason in decision.reasons] == [f"f{number}" for number in range(5)]


def test_no_policies_allow_nothing() -> None:
    assert summary(decide(snapshot(), compiled(""))) == ("deny", [], ["no-policy"])


def test_a_policy_that_fails_denies() -> None:
    text = POLICIES + '@id("f") forbid (principal, action, resource) when { context.usage.repeats * 2 > 9 };'
    decision = decide(snapshot(usage={"repeats": 2**62}), compiled(text))
    assert summary(decision) == ("deny", [], ["policy-error"])
    assert "f could not be evaluated" in decision.reasons[0].text


def test_requirements_of_all_permits_that_apply_add_up() -> None:
    text = f"""@id("a") {REFUND};
    @id("b") @require("approval:support") {REFUND};
    @id("c") @require("approval:support:2; step-up:none; confirm") @because("why") {REFUND};"""
    decision = decide(snapshot(), compiled(text))
    assert summary(decision) == ("wait", ["approval:support:2", "confirm"], ["b", "c"])
    assert decision.policies == ("a", "b", "c")
    assert "approval by support" in decision.reasons[0].text


@pytest.mark.parametrize(
    ("requirements", "outcome"),
    [
        ("draft", "draft"),
        ("shadow", "shadow"),
        ("draft; shadow; confirm", "shadow"),
        ("confirm; draft", "draft"),
    ],
)
def test_draft_and_shadow_in_a_policy(requirements: str, outcome: str) -> None:
    text = POLICIES + f'@id("d") @require("{requirements}") {REFUND};'
    assert summary(decide(snapshot(), compiled(text))) == (outcome, [], ["d"])


@pytest.mark.parametrize(
    ("modes", "operation", "expected"),
    [
        (["off"], "orders.get", ("deny", [], ["mode-off"])),
        (["off", "shadow"], "billing.issue_refund", ("deny", [], ["mode-off"])),
        (["shadow"], "orders.get", ("shadow", [], ["mode-shadow"])),
        (["shadow", "draft"], "billing.issue_refund", ("shadow", [], ["mode-shadow"])),
        (["read-only"], "orders.get", ("allow", [], ["reads"])),
        (["read-only"], "billing.issue_refund", ("deny", [], ["mode-read-only"])),
        (["draft"], "orders.get", ("allow", [], ["reads"])),
        (["draft", "approval"], "billing.issue_refund", ("draft", [], ["mode-draft"])),
        (["approval"], "orders.get", ("allow", [], ["reads"])),
        (["approval"], "billing.issue_refund", ("wait", ["approval:billing-lead"], ["mode-approval"])),
        (["automatic"], "billing.issue_refund", ("allow", [], ["refund-small"])),
        (["whatever"], "orders.get", ("deny", [], ["mode-off"])),
        ([None], "orders.get", ("deny", [], ["mode-off"])),
        ([], "orders.get", ("allow", [], ["reads"])),
    ],
)
def test_the_strictest_mode_wins(modes: list[Any], operation: str, expected: tuple[str, list[str], list[str]]) -> None:
    one = replace(
        snapshot(operation, input={"id": 1}), modes={f"holder {number}": mode for number, mode in enumerate(modes)}
    )
    decision = decide(one, compiled())
    assert summary(decision) == expected
    if expected[2][0].startswith("mode-"):
        assert "holder" in decision.reasons[0].text


def test_a_mode_adds_to_the_requirements_of_policies() -> None:
    one = snapshot(input={"amount": 80}, modes={"agent": "approval"})
    assert summary(decide(one, compiled())) == (
        "wait",
        ["approval:billing-lead", "confirm"],
        ["refund-large", "mode-approval"],
    )


def test_an_operation_counts_as_a_read_only_if_both_sides_say_so() -> None:
    one = replace(snapshot(), effect="read", modes={"agent": "read-only"})
    assert decide(one, compiled()).outcome is Outcome.deny


@pytest.mark.parametrize(
    ("guards", "expected"),
    [
        ([{"rule": "switch", "text": "stopped"}], ("deny", [], ["switch"])),
        ([{"rule": "facts", "text": "order", "outcome": "deny"}, {"rule": "b", "text": "t", "outcome": "wait"}],
         ("deny", [], ["facts"])),
        ([{"rule": "facts", "text": "order", "outcome": "wait"}], ("wait", [], ["facts"])),
        ([{"rule": "facts", "text": "order", "outcome": "maybe"}], ("deny", [], ["facts"])),
    ],
)  # fmt: skip
def test_refusals_found_before(guards: list[dict[str, Any]], expected: tuple[str, list[str], list[str]]) -> None:
    one = snapshot(guards=guards, facts={"order": None})
    assert summary(decide(one, compiled())) == expected


def test_a_fact_that_may_yet_be_had_is_not_waited_for_where_nothing_could_allow_it() -> None:
    guards = [{"rule": "facts", "text": "order", "outcome": "wait"}]
    assert decide(snapshot(guards=guards), compiled("")).outcome is Outcome.deny
    assert decide(snapshot("a.b", guards=guards), compiled()).outcome is Outcome.deny
    assert decide(snapshot(guards=guards, modes={"agent": "off"}), compiled()).outcome is Outcome.deny


def test_a_step_up_is_met_by_the_level_or_a_stronger_one_only() -> None:
    text = f'@id("a") @require("step-up:code") {REFUND};'
    policies = compiled(text)
    outcomes = [decide(snapshot(session={"verified": rank}), policies).outcome.value for rank in (0, 1, 2)]
    assert outcomes == ["wait", "allow", "allow"]
    for odd in (None, True, "2", 1.5):
        assert decide(snapshot(session={"verified": odd}), policies).outcome is Outcome.wait


def test_every_rule_of_the_gate_is_explained() -> None:
    assert set(LAYER_RULES) >= {"no-permit", "no-policy", "policy-error", "policy-mismatch", "unknown-operation"}
    assert WORLD.rank("nothing") == -1
