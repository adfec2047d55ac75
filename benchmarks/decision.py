"""The cost of one decision in processor time: 100 policies, 100 operations, facts read beforehand.

Beside it, in the same run, a bare call of the Cedar engine with the same policies and only what they look at.
`python -m benchmarks.decision` prints a table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import cedarpy

from interlock.governance.gate import Snapshot, decide, explain
from interlock.governance.policy import OperationShape, Policies, World, compile_policies
from interlock.values.labels import Label, Origin, Source
from interlock.values.operations import Effect, Operation

OPERATIONS = 100
SPECIFIC = 95
GENERAL = """
@id("reads") permit (principal, action in Action::"read", resource);
@id("no-strangers") @because("Only our own people and agents work here")
forbid (principal, action, resource) when { principal.tenant != "acme" };
@id("no-loops") @because("It has been repeated too often")
forbid (principal, action, resource) when { context.usage.repeats > 5 };
@id("clean-data") @because("Restricted data stays inside")
forbid (principal, action in Action::"write", resource) when { context.data.rank >= 3 };
@id("fresh-facts") @because("The facts are too old to act on")
forbid (principal, action in Action::"write", resource) when { context.quality.stale };
"""
WORLD = World(roles=("support", "lead"), levels=("none", "code"), approver_role="lead", tenants=("acme",))
INPUT = {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {
        "order_id": {"type": "integer"},
        "amount": {"type": "number"},
        "reason": {"type": "string"},
    },
}
ORDER = {
    "type": "object",
    "required": ["id", "customer_id", "total"],
    "properties": {
        "id": {"type": "integer"},
        "customer_id": {"type": "string"},
        "total": {"type": "number"},
        "status": {"type": "string"},
    },
}


def rule(number: int) -> str:
    """Return the policy of one operation, as a refund has it."""
    return f"""
@id("rule-{number}") @require("confirm") @because("A refund is confirmed")
permit (principal in Role::"support", action == Action::"billing.op{number}", resource)
when {{ context.facts.order.customer_id == context.session.customer
       && context.input.amount.lessThanOrEqual(decimal("{50 + number}.00"))
       && !context.origins.order_id.untrusted }};
"""


def project() -> Policies:
    """Return 100 policies over 100 operations, compiled."""
    shapes = [
        OperationShape(
            Operation("billing", f"op{number}", Effect.write, input_schema=INPUT),
            {"order": ORDER, "refunded": {"type": "number"}},
        )
        for number in range(OPERATIONS)
    ]
    text = GENERAL + "".join(rule(number) for number in range(SPECIFIC))
    return compile_policies({"policies/all.cedar": text}, shapes, WORLD)


def snapshot(number: int, *, amount: float = 20.5) -> Snapshot:
    """Return a proposed refund of *amount* through operation *number*."""
    origin = Origin((Source.person,)).to_json()
    return Snapshot(
        principal={
            "kind": "agent",
            "id": f"desk-{number % 10}",
            "tenant": "acme",
            "roles": ["support"],
            "attributes": {},
        },
        operation=f"billing.op{number}",
        digest="sha256:0",
        effect="write",
        system={"name": "billing", "kind": "commerce"},
        input={"order_id": 10248, "amount": amount, "reason": "broken on arrival"},
        session={
            "id": "ses_1",
            "channel": "chat",
            "customer": "ALFKI",
            "verification": "code",
            "verified": 1,
            "purpose": "support",
            "consent": [],
            "done": ["orders.get"],
            "person": None,
            "requested": True,
            "in_plan": True,
        },
        facts={
            "order": {"id": 10248, "customer_id": "ALFKI", "total": 440.0, "status": "shipped"},
            "refunded": 0,
        },
        origins=dict.fromkeys(("order_id", "amount", "reason"), origin),
        data=Label().to_json(),
        quality={"stale": False, "missing": [], "age_seconds": 0},
        usage={"session_actions": 1, "operation_calls": 0, "repeats": 0},
        now="2025-01-15T12:00:00Z",
        modes={"installation": "automatic", "agent": "automatic", "operation": "automatic"},
    )


def bare_call(policies: Policies, one: Snapshot) -> Callable[[int], Any]:
    """Return a call of the engine with everything but the call itself done beforehand."""
    part = policies.slices[one.operation]
    context = json.dumps(part.encode(one))
    entities = cedarpy.Entities.from_json_str(
        json.dumps(
            [
                {
                    "uid": {"type": "Agent", "id": "desk-0"},
                    "attrs": {"tenant": "acme", "roles": ["support"], "attributes": {}},
                    "parents": [{"type": "Role", "id": "support"}],
                }
            ]
        )
    )
    request = {
        "principal": {"type": "Agent", "id": "desk-0"},
        "action": {"type": "Action", "id": one.operation},
        "resource": {"type": "System", "id": "billing"},
        "context": context,
    }
    return lambda _: cedarpy.is_authorized(request, part.policy_set, entities)


def microseconds(call: Callable[[int], Any], repeats: int = 5000) -> float:
    """Return the processor time of one *call* in microseconds, the best of five rounds."""
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for number in range(repeats // 5):
            call(number)
        rounds.append((time.process_time() - start) / (repeats // 5) * 1e6)
    return min(rounds)


def measure() -> dict[str, float]:
    """Return the processor microseconds of each thing measured."""
    start = time.process_time()
    policies = project()
    compiled = time.process_time() - start
    snapshots = [snapshot(number) for number in range(SPECIFIC)]
    fresh = [snapshot(number % SPECIFIC, amount=number / 100) for number in range(5000)]
    seen = iter(fresh)
    decision = decide(snapshots[0], policies)
    assert [str(requirement) for requirement in decision.requirements] == ["confirm"], decision
    return {
        "bare engine call": microseconds(bare_call(policies, snapshots[0])),
        "decision": microseconds(lambda _: decide(next(seen), policies)),
        "decision on what was decided before": microseconds(
            lambda number: decide(snapshots[number % SPECIFIC], policies)
        ),
        "building the context": microseconds(
            lambda number: policies.slices[snapshots[number % SPECIFIC].operation].encode(snapshots[number % SPECIFIC])
        ),
        "explanation": microseconds(lambda number: explain(snapshots[number % SPECIFIC], policies), 500),
        "compiling the project (once)": compiled * 1e6,
    }


def main() -> None:
    """Print the table."""
    figures = measure()
    bare = figures["bare engine call"]
    print(f"{'100 policies, 100 operations':32}{'CPU us':>10}{'x bare':>10}")
    for name, figure in figures.items():
        print(f"{name:32}{figure:10.1f}{figure / bare:10.2f}")


if __name__ == "__main__":
    main()
