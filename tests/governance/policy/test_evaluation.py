"""Compiled policies: slices by operation, the answer of the engine read with suspicion, tool lists."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

import cedarpy
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.governance.policy import Snapshot, SnapshotInvalid, Verdict, evaluate, permitted_operations
from tests.governance.policy.trading import compiled, snapshot

REFUND = 'permit (principal, action == Action::"billing.issue_refund", resource)'


def verdict(text: str, one: Snapshot) -> tuple[str, list[str], str]:
    policies = compiled(text)
    found = evaluate(one, policies.slices[one.operation], policies)
    return found.verdict.value, [rule.id for rule in found.rules], found.problem


@pytest.mark.parametrize(
    "condition",
    [
        'principal in Role::"support"',
        'principal == Agent::"desk"',
        'principal is Agent in Role::"support"',
        'principal.roles.contains("support")',
        'principal.tenant == "acme"',
        'principal.attributes has region && principal.attributes.region == "north"',
        'resource == System::"billing"',
        'resource.kind == "commerce"',
        'action in Action::"write"',
        'action == Action::"billing.issue_refund"',
        'action in [Action::"read", Action::"billing"]',
        "context.input.order_id == 10248",
        'context.input has reason && context.input.reason like "brok*"',
        "!(context.input has account)",
        'context.input has tags && context.input.tags.containsAll(["a", "b"])',
        'context.input.amount == decimal("20.5")',
        "context.facts.order.lines.contains({n: 1})",
        'context.facts.refunded.lessThan(decimal("0.01"))',
        "!(context.facts.order has shipped)",
        'context.session.done.contains("orders.get")',
        "context.session.verified >= 1",
        'context.session has person && context.session.person.roles.contains("clerk")',
        "context.session.requested && context.session.in_plan",
        "context.origins.order_id.person",
        "context.origins.amount.unknown",
        "!context.origins.tags.unknown && !context.origins.account.unknown",
        'context.origins.order_id.sources.contains("person")',
        'context.data.rank == 1 && context.data.confidentiality == "internal"',
        'context.data.categories.contains("financial")',
        "context.quality.missing.isEmpty() && context.quality.age_seconds < 5",
        "context.usage.operation_calls == 2",
        'context.now >= datetime("2025-01-15T12:00:00Z") && context.now < datetime("2025-01-15T12:00:01Z")',
        "context.input == context.input",
    ],
)  # fmt: skip
def test_what_a_policy_can_see(condition: str) -> None:
    one = snapshot(
        principal={"attributes": {"region": "north", "other": 3}},
        input={"amount": 20.5, "tags": ["b", "a"], "account": None},
        session={"person": {"id": "p1", "roles": ["clerk"]}},
        facts={"refunded": 0},
        origins={"tags": snapshot().origins["order_id"]},
        data={"categories": ["financial"]},
        usage={"operation_calls": 2},
        now="2025-01-15T13:00:00.000+01:00",
    )
    del one.origins["amount"]
    text = f'@id("a") {REFUND} when {{ {condition} }};'
    assert verdict(text, one) == ("permitted", ["a"], "")


@pytest.mark.parametrize(
    ("amount", "cedar"),
    [
        (0.1, "0.1"),
        (-12.3456, "-12.3456"),
        (7, "7.0"),
        (99999999999.25, "99999999999.25"),
        (922337203685477, "922337203685477.0"),
        (1e-4, "0.0001"),
    ],
)
def test_numbers_are_exact(amount: float, cedar: str) -> None:
    text = f'@id("a") {REFUND} when {{ context.input.amount == decimal("{cedar}") }};'
    assert verdict(text, snapshot(input={"amount": amount}))[0] == "permitted"


LOOKS = """ context.input.amount == decimal("1.0") || context.input.order_id == 1 || context.facts.order.id == 2
 || context.facts.refunded == decimal("3.0") || context.data.rank > 7 || context.usage.repeats > 7
 || context.now > datetime("2999-01-01") || context.session.requested || context.session.verified > 1
 || context.quality.missing.contains("x") || (context.input has reason && context.input.reason == "x")
 || (context.input has urgent && context.input.urgent) || (context.input has tags && context.input.tags.isEmpty())
 || context.session.customer == "x" """


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"input": {"amount": 0.1 + 0.2}}, "`context.input.amount` has more than 4"),
        ({"input": {"amount": 12345678901.12345}}, "`context.input.amount` has more than 4"),
        ({"input": {"amount": 10**15}}, "`context.input.amount` is beyond"),
        ({"input": {"amount": float("nan")}}, "`context.input.amount`"),
        ({"input": {"amount": float("inf")}}, "`context.input.amount`"),
        ({"input": {"amount": True}}, "`context.input.amount` is not a number"),
        ({"input": {"amount": "12"}}, "`context.input.amount` is not a number"),
        ({"input": {"amount": {"__extn": {"fn": "decimal", "arg": "1.0"}}}}, "`context.input.amount`"),
        ({"input": {"order_id": 2**63}}, "`context.input.order_id` is not an integer of 64 bits"),
        ({"input": {"order_id": 1.5}}, "`context.input.order_id`"),
        ({"input": {"order_id": None}}, "`context.input.order_id` is not there"),
        ({"input": {"reason": {"__entity": {"type": "Role", "id": "x"}}}}, "`context.input.reason` is not a text"),
        ({"input": {"reason": "\ud800"}}, "Unicode"),
        ({"input": {"urgent": 1}}, "`context.input.urgent`"),
        ({"input": {"tags": "x"}}, "`context.input.tags` is not a list"),
        ({"input": {"tags": [1]}}, "`context.input.tags` is not a text"),
        ({"facts": {"order": None}}, "`context.facts.order` is not there"),
        ({"facts": {"order": [1]}}, "`context.facts.order` is not an object"),
        ({"facts": {"refunded": None}}, "`context.facts.refunded` is not there"),
        ({"session": {"verified": "2"}}, "`context.session.verified`"),
        ({"session": {"requested": None}}, "`context.session.requested` is not there"),
        ({"data": {"confidentiality": "cosmic"}}, "`context.data.rank` is not there"),
        ({"now": "yesterday"}, "`context.now` is not a time"),
        ({"principal": {"kind": "god"}}, "`principal`"),
        ({"principal": {"roles": None}}, "`principal`"),
        ({"principal": {"roles": ["a\n"]}}, "`principal`"),
        ({"principal": {"id": "\ud800"}}, "`principal`"),
        ({"system": {"name": "orders"}}, "`resource`"),
        ({"system": {"kind": 3}}, "`resource`"),
    ],
)
def test_what_does_not_fit_the_types_is_named_and_not_asked(changes: dict[str, Any], place: str) -> None:
    kind, rules, problem = verdict(f'@id("a") {REFUND} when {{ {LOOKS} }};', snapshot(**changes))
    assert (kind, rules) == ("mismatched", [])
    assert place in problem
    assert "cosmic" not in problem


def test_a_session_without_a_customer_has_an_empty_one() -> None:
    text = f'@id("a") {REFUND} when {{ context.session.customer == "" }};'
    assert verdict(text, snapshot(session={"customer": None}))[0] == "permitted"


def test_what_no_policy_looks_at_is_not_asked_about() -> None:
    text = f'@id("a") {REFUND} when {{ context.input.order_id == 10248 }};'
    assert verdict(text, snapshot(input={"amount": 0.123456}, facts={"order": None}))[0] == "permitted"


def test_a_forbid_that_fails_is_never_harmless() -> None:
    text = f"""@id("p") {REFUND};
    @id("f") forbid (principal, action, resource) when {{ context.usage.repeats * 9223372036854775807 > 5 }};"""
    assert verdict(text, snapshot(usage={"repeats": 3})) == ("failed", ["f"], "")


def test_only_the_policies_of_an_operation_are_in_its_slice() -> None:
    policies = compiled()
    ids = {name: [rule.id for rule in part.rules] for name, part in policies.slices.items()}
    assert ids == {
        "billing.issue_refund": ["refund-small", "refund-large", "never-steered"],
        "orders.get": ["reads", "purge"],
        "orders.purge": ["purge"],
    }


def test_the_version_changes_with_the_texts_and_the_types_only() -> None:
    policies = compiled()
    assert policies.version == compiled().version
    assert policies.version != compiled('@id("a") permit (principal, action, resource);').version


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"kind": "agent", "id": "desk", "roles": ["support"]}, ("billing.issue_refund", "orders.get")),
        ({"kind": "agent", "id": "x", "roles": []}, ("orders.get",)),
        ({"kind": "person", "id": "p", "roles": ["clerk"]}, ("orders.get", "orders.purge")),
        ({"kind": "agent", "id": "p", "roles": ["clerk"]}, ("orders.get",)),
    ],
)
def test_the_operations_that_a_principal_may_hope_for(principal: dict[str, Any], expected: tuple[str, ...]) -> None:
    policies = compiled()
    assert permitted_operations(principal, policies) == expected
    assert permitted_operations(principal, policies) == expected


def test_an_unconditional_forbid_takes_operations_off_the_list() -> None:
    text = """@id("a") permit (principal, action, resource);
    @id("b") @because("no") forbid (principal == Agent::"x", action in Action::"orders", resource);
    @id("c") @because("no") forbid (principal is Service, action, resource);
    @id("d") @because("no") forbid (principal, action, resource) when { context.usage.repeats > 5 };"""
    policies = compiled(text)
    assert permitted_operations({"kind": "agent", "id": "x", "roles": []}, policies) == ("billing.issue_refund",)
    assert permitted_operations({"kind": "service", "id": "x", "roles": []}, policies) == ()
    assert len(permitted_operations({"kind": "person", "id": "x", "roles": []}, policies)) == 3


def test_many_principals_do_not_fill_the_memory() -> None:
    policies = compiled()
    part = policies.slices["orders.get"]
    for number in range(5000):
        one = snapshot("orders.get", principal={"id": f"a{number}"}, input={"id": 1})
        assert evaluate(one, part, policies).verdict is Verdict.permitted
    assert len(policies.entities) <= 4096


def test_a_snapshot_comes_back_from_json_as_it_was() -> None:
    one = snapshot(guards=[{"rule": "r", "text": "t"}])
    assert Snapshot.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"operation": None}, "operation"),
        ({"principal": 3}, "principal"),
        ({"guards": ["x"]}, "guards"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_no_snapshot_is_refused(change: dict[str, Any], word: str) -> None:
    document = {**snapshot().to_json(), **change}
    with pytest.raises(SnapshotInvalid, match=word):
        Snapshot.from_json(document)
    del document[next(iter(change))]
    if "surprise" not in change and "guards" not in change:
        with pytest.raises(SnapshotInvalid, match="missing"):
            Snapshot.from_json(document)


values = st.fixed_dictionaries(
    {"order_id": st.integers(-(2**63), 2**63 - 1), "amount": st.decimals(-(10**10), 10**10, places=4).map(float)},
    optional={
        "reason": st.text(max_size=10),
        "account": st.none() | st.text(max_size=5),
        "urgent": st.booleans(),
        "tags": st.lists(st.text(max_size=3), max_size=3),
        "blob": st.just({"__entity": "x"}),
        "extra": st.integers(),
    },
)


@given(values, st.datetimes(datetime(1900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis wants naive limits
@settings(deadline=None)
def test_what_is_encoded_is_what_the_schema_promises(arguments: dict[str, Any], now: datetime) -> None:
    policies = compiled(f'@id("a") {REFUND} when {{ context == context }};')
    one = replace(snapshot(now=now.isoformat()), input=arguments)
    part = policies.slices[one.operation]
    request = {
        "principal": {"type": "Agent", "id": "desk"},
        "action": {"type": "Action", "id": one.operation},
        "resource": {"type": "System", "id": "billing"},
        "context": orjson.dumps(part.encode(one)).decode(),
    }
    result = cedarpy.is_authorized(request, part.policy_set, "[]", cedarpy.Schema.from_str(policies.schema))
    assert result.diagnostics.errors == []
    assert result.allowed
    assert evaluate(one, part, policies).verdict is Verdict.permitted


def test_the_gate_does_not_load_the_expression_engine() -> None:
    program = "import sys; import interlock.governance.gate; assert 'cel.cel' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_was_asked_before_is_answered_alike_and_nothing_else_is() -> None:
    policies = compiled()
    asked = [snapshot(), snapshot(input={**snapshot().input, "amount": 5000.0}), snapshot()]
    first = [evaluate(one, policies.slices[one.operation], policies) for one in asked]
    again = [evaluate(one, policies.slices[one.operation], policies) for one in asked]
    fresh = compiled()
    alone = [evaluate(one, fresh.slices[one.operation], fresh) for one in reversed(asked)]
    assert first == again == list(reversed(alone))
    assert first[0] is again[0]
    stranger = snapshot(principal={**snapshot().principal, "roles": []})
    assert evaluate(stranger, policies.slices[stranger.operation], policies) != first[0]
