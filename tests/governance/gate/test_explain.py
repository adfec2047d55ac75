"""The explanation: every condition with the values it saw, and what would have changed the answer."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.governance.gate import explain
from interlock.values.labels import Source
from tests.governance.policy.trading import POLICIES, compiled, origin, snapshot

REFUND = 'permit (principal, action == Action::"billing.issue_refund", resource)'


def changes(text: str = POLICIES, operation: str = "billing.issue_refund", **parts: Any) -> str:
    return "\n".join(explain(snapshot(operation, **parts), compiled(text)).changes)


def test_each_condition_is_shown_with_what_it_saw() -> None:
    document = explain(snapshot(input={"amount": 80}), compiled()).to_json()
    small, large, steered = document["policies"]
    assert [small["fired"], large["fired"], steered["fired"]] == [False, True, False]
    assert small["conditions"][1] == {
        "text": "input.amount is at most 50.00",
        "truth": "false",
        "seen": {"context.input.amount": 80},
    }
    assert small["principal"] == {"scope": "in Role support", "admitted": True}
    assert large["require"] == ["approval:billing-lead", "confirm"]
    assert (steered["file"], steered["line"]) == ("policies/all.cedar", 11)


def test_what_would_have_permitted_it() -> None:
    text = changes(session={"customer": "X"})
    assert "refund-small would have permitted it if: facts.order.customer_id is session.customer (it saw" in text
    assert 'context.session.customer = "X"' in text
    assert (
        "refund-large would have permitted it if: facts.order.customer_id is session.customer and input.amount" in text
    )
    assert "the principal is Person in Role clerk" in changes(operation="orders.purge")


def test_what_would_have_kept_it_from_being_forbidden() -> None:
    text = changes(origins={"order_id": origin(Source.untrusted_field)})
    assert text.startswith("never-steered would not have forbidden it if any of this were otherwise: origins.order_id")
    both = changes(
        input={"amount": 80}, session={"customer": "X"}, origins={"order_id": origin(Source.untrusted_field)}
    )
    assert "refund-small would have permitted it" in both
    always = changes('@id("f") @because("no") forbid (principal is Agent, action, resource);')
    assert "f always applies to Agent" in always


def test_what_would_have_spared_the_wait() -> None:
    assert "refund-large would not have asked for it" in changes(input={"amount": 80})


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"modes": {"agent": "draft"}}, "mode-draft"),
        ({"guards": [{"rule": "switch", "text": "stopped"}]}, "switch is Interlock's own"),
        ({"input": {"amount": 0.00001}}, "put right: `context.input.amount` has more than 4 decimal places"),
        ({"operation": "a.b"}, "unknown-operation"),
    ],
)
def test_what_no_argument_would_have_changed(parts: dict[str, Any], words: str) -> None:
    assert words in changes(**parts)


def test_an_operation_that_no_policy_is_about() -> None:
    text = '@id("a") permit (principal, action == Action::"orders.get", resource);'
    assert changes(text) == "No policy is about this operation at all."
    forbidding = '@id("f") @because("no") forbid (principal, action, resource) when { context.usage.repeats > 9 };'
    assert changes(forbidding) == "No permit is about this operation at all."


def test_a_part_behind_a_guard_that_does_not_hold_is_not_reached() -> None:
    text = f'@id("a") {REFUND} when {{ context.input has account && context.input.account == "x" }};'
    (trace,) = explain(snapshot(), compiled(text)).policies
    assert [part.truth.value for part in trace.parts] == ["false", "not_reached"]
    assert [dict(part.seen) for part in trace.parts] == [{"context.input.account": None}] * 2


def test_a_part_that_fails_is_shown_as_failed() -> None:
    text = f'@id("a") {REFUND} when {{ context.usage.repeats * 2 > 9 }};'
    (trace,) = explain(snapshot(usage={"repeats": 2**62}), compiled(text)).policies
    assert [part.truth.value for part in trace.parts] == ["failed"]
    assert not trace.fired


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("!context.origins.order_id.unknown", "origins.order_id.unknown is false"),
        ("!(context.input has account)", "input has no account"),
        ("context.input has account", "input has account"),
        ('["a", "b"].contains(context.session.channel)', '["a", "b"] contains session.channel'),
        ('context.session.channel like "ch*t"', 'session.channel is like "ch*t"'),
        ("context.usage.repeats + 1 <= 3", "(usage.repeats plus 1) is at most 3"),
        ("context.session.requested || context.usage.repeats != 2",
         "session.requested is true or usage.repeats is not 2"),
        ('principal is Agent && principal in [Role::"support"]', "principal is in [Role support]"),
        ('principal is Agent in Role::"support"', "principal is of type Agent in Role support"),
        ("context.quality.missing.isEmpty()", "quality.missing is empty"),
        ("if context.session.requested then true else context.usage.repeats == -1",
         "(if session.requested is true then true else usage.repeats is -1)"),
        ('context.now.toDate() == datetime("2025-01-15")', "now.toDate() is 2025-01-15"),
        ("{a: context.usage.repeats}.a > -context.usage.repeats", "{a: usage.repeats}.a is more than -usage.repeats"),
        ("!(context.usage.repeats > 2 && context.session.requested)",
         "not (usage.repeats is more than 2 and session.requested is true)"),
        ('context.input.amount.greaterThanOrEqual(decimal("5.0"))', "input.amount is at least 5.0"),
    ],
)  # fmt: skip
def test_conditions_in_plain_words(condition: str, words: str) -> None:
    (trace,) = explain(snapshot(), compiled(f'@id("a") {REFUND} when {{ {condition} }};')).policies
    assert trace.parts[-1].text == words


def test_an_unless_clause_is_one_condition_turned_round() -> None:
    (trace,) = explain(snapshot(), compiled(f'@id("a") {REFUND} unless {{ context.usage.repeats > 2 }};')).policies
    assert [(part.text, part.truth.value) for part in trace.parts] == [("not (usage.repeats is more than 2)", "true")]
