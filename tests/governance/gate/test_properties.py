"""What holds for all policies and all snapshots."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.governance.gate import Snapshot, decide, explain
from interlock.values.decisions import Outcome
from interlock.values.labels import Source
from tests.governance.policy.trading import compiled, origin, snapshot

CONDITIONS = (
    "true",
    "false",
    "context.input.order_id > 5",
    'context.input.amount.lessThan(decimal("50.00"))',
    'context.input has reason && context.input.reason like "b*"',
    "context.facts.order.customer_id == context.session.customer",
    "context.origins.order_id.untrusted",
    "context.usage.repeats * 9223372036854775807 > 0",
    'principal.roles.contains("support")',
)  # fmt: skip
HEADS = ("principal", 'principal in Role::"support"', "principal is Person", 'principal == Agent::"desk"')
ACTIONS = (
    "action",
    'action == Action::"billing.issue_refund"',
    'action in Action::"write"',
    'action in Action::"read"',
)
REQUIREMENTS = ("confirm", "approval:support", "approval:support:2", "step-up:strong", "draft", "shadow")

bodies = st.tuples(st.sampled_from(HEADS), st.sampled_from(ACTIONS), st.sampled_from(CONDITIONS))
fitting = st.sampled_from([c for c in CONDITIONS if "input" not in c and "facts" not in c and "origins" not in c])
requires = st.lists(st.sampled_from(REQUIREMENTS), max_size=2).map("; ".join)


def policy(name: str, effect: str, body: tuple[str, str, str], require: str = "") -> str:
    head, action, condition = body
    if action not in ACTIONS[1:3] and "context" in condition and "usage" not in condition:
        action = ACTIONS[1]
    note = f'@require("{require}")' if require and effect == "permit" else ""
    return f'@id("{name}") {note} {effect} ({head}, {action}, resource) when {{ {condition} }};\n'


sets = st.lists(st.tuples(st.sampled_from(("permit", "forbid")), bodies, requires), max_size=5).map(
    lambda drawn: "".join(policy(f"p{n}", effect, body, require) for n, (effect, body, require) in enumerate(drawn))
)
snapshots = st.builds(
    lambda order, amount, customer, source, repeats, verified, roles, mode: snapshot(
        input={"order_id": order, "amount": amount},
        session={"customer": customer, "verified": verified},
        origins={"order_id": origin(source)},
        usage={"repeats": repeats},
        principal={"roles": roles},
        modes={"agent": mode},
    ),
    st.integers(0, 10),
    st.sampled_from([1, 20.5, 50, 80.25, 0.123456]),
    st.sampled_from(["ALFKI", "", "X"]),
    st.sampled_from([Source.person, Source.untrusted_field]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([["support"], [], ["clerk", "support"]]),
    st.sampled_from(["automatic", "automatic", "approval", "draft", "read-only"]),
)


@given(sets, snapshots)
@settings(max_examples=150, deadline=None)
def test_a_forbid_always_wins(text: str, one: Snapshot) -> None:
    decision = decide(one, compiled(text + policy("no", "forbid", ("principal", "action", "true"))))
    assert decision.outcome is Outcome.deny


@given(sets, bodies, snapshots)
@settings(max_examples=150, deadline=None)
def test_no_policy_turns_a_denial_by_a_forbid_into_anything_else(
    text: str, body: tuple[str, str, str], one: Snapshot
) -> None:
    before = decide(one, compiled(text))
    if before.outcome is not Outcome.deny or not any(reason.rule.startswith("p") for reason in before.reasons):
        return
    if before.reasons[0].rule in {"policy-error", "policy-mismatch"}:
        return
    for effect in ("permit", "forbid"):
        after = decide(one, compiled(text + policy("extra", effect, body)))
        assert after.outcome is Outcome.deny


@given(sets, bodies, requires, snapshots)
@settings(max_examples=200, deadline=None)
def test_a_permit_more_never_takes_a_requirement_away(
    text: str, body: tuple[str, str, str], require: str, one: Snapshot
) -> None:
    before = decide(one, compiled(text))
    after = decide(one, compiled(text + policy("extra", "permit", body, require)))
    if before.outcome is Outcome.wait and after.outcome is Outcome.wait:
        counts = {(need.kind, need.subject): need.count for need in after.requirements}
        for need in before.requirements:
            assert counts[need.kind, need.subject] >= need.count
    if before.outcome in {Outcome.wait, Outcome.draft, Outcome.shadow}:
        assert after.outcome is not Outcome.allow
    if before.outcome is Outcome.shadow:
        assert after.outcome in {Outcome.shadow, Outcome.deny}


@given(sets, snapshots)
@settings(max_examples=100, deadline=None)
def test_a_snapshot_decides_alike_after_a_trip_through_json(text: str, one: Snapshot) -> None:
    policies = compiled(text)
    back = Snapshot.from_json(orjson.loads(orjson.dumps(one.to_json())))
    assert back == one
    assert decide(back, policies) == decide(one, policies)
    assert explain(back, policies) == explain(one, policies)


@given(sets, snapshots)
@settings(max_examples=100, deadline=None)
def test_the_explanation_agrees_with_the_decision(text: str, one: Snapshot) -> None:
    explanation = explain(one, compiled(text))
    fired = {trace.rule.id for trace in explanation.policies if trace.fired}
    assert set(explanation.decision.policies) <= fired | {
        trace.rule.id for trace in explanation.policies if any(part.truth == "failed" for part in trace.parts)
    }
    orjson.dumps(explanation.to_json())


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.text("\ud800\x00\n", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("order_id", "amount", "reason", "tags", "order", "customer", "verified", "rank", "repeats", "kind", "roles")
parts = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), values, max_size=5)
NAMES = ("input", "session", "facts", "origins", "data", "quality", "usage", "principal", "system", "modes")
LOOKS_AT_ALL = """@id("p") permit (principal, action == Action::"billing.issue_refund", resource)
when { context == context || (context.input has tags && context.input.tags.contains("x")) };"""
ALL = compiled(LOOKS_AT_ALL)


@given(st.dictionaries(st.sampled_from(NAMES), parts, max_size=4), st.text(max_size=20), st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_snapshot_makes_the_gate_raise(changes: dict[str, Any], now: str, keep: bool) -> None:
    one = snapshot(**changes) if keep else Snapshot(**{**snapshot().to_json(), **changes})
    for candidate in (one, Snapshot.from_json({**one.to_json(), "now": now})):
        decision = decide(candidate, ALL)
        assert decision.reasons
        explain(candidate, ALL)
