"""A small trading company's operations and policies, for the tests of policy and gate."""

from __future__ import annotations

from typing import Any

from interlock.governance.policy import OperationShape, Policies, Snapshot, World, compile_policies
from interlock.values.labels import Label, Origin, Source
from interlock.values.operations import Effect, Operation

WORLD = World(
    roles=("support", "billing-lead", "clerk"),
    levels=("none", "code", "strong"),
    approver_role="billing-lead",
    attributes=("region",),
    tenants=("acme", "globex"),
)

REFUND: dict[str, Any] = {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {
        "order_id": {"type": "integer"},
        "amount": {"type": "number"},
        "reason": {"type": "string"},
        "account": {"type": ["string", "null"]},
        "urgent": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "blob": {"type": "object"},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "customer_id", "total", "lines"],
    "properties": {
        "id": {"type": "integer"},
        "customer_id": {"type": "string"},
        "total": {"type": "number"},
        "shipped": {"type": ["string", "null"]},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        },
    },
}
SHAPES = (
    OperationShape(
        Operation("billing", "issue_refund", Effect.write, input_schema=REFUND),
        {"order": ORDER, "refunded": {"type": "number"}},
    ),
    OperationShape(
        Operation(
            "orders",
            "get",
            Effect.read,
            input_schema={"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        )
    ),
    OperationShape(Operation("orders", "purge", Effect.irreversible)),
)

POLICIES = """\
@id("refund-small")
permit (principal in Role::"support", action == Action::"billing.issue_refund", resource)
when { context.facts.order.customer_id == context.session.customer
       && context.input.amount.lessThanOrEqual(decimal("50.00")) };

@id("refund-large") @require("approval:billing-lead; confirm") @because("Refunds above 50 need a billing lead")
permit (principal in Role::"support", action == Action::"billing.issue_refund", resource)
when { context.facts.order.customer_id == context.session.customer
       && context.input.amount.greaterThan(decimal("50.00")) };

@id("never-steered") @because("Text from outside may not choose where money goes")
forbid (principal, action == Action::"billing.issue_refund", resource)
when { context.origins.order_id.untrusted };

@id("reads") permit (principal, action in Action::"read", resource);

@id("purge") @require("step-up:strong") @because("Purging needs strong verification")
permit (principal is Person in Role::"clerk", action in Action::"orders", resource == System::"orders")
unless { context.usage.repeats > 3 };
"""


def compiled(text: str = POLICIES, **changes: Any) -> Policies:
    """Return *text* compiled for the company."""
    files = {"policies/all.cedar": text} if text else {}
    return compile_policies(files, changes.pop("shapes", SHAPES), changes.pop("world", WORLD))


def origin(*sources: Source) -> dict[str, Any]:
    """Return the JSON of an origin."""
    return Origin(sources or (Source.person,)).to_json()


def snapshot(operation: str = "billing.issue_refund", **changes: Any) -> Snapshot:
    """Return a refund of 20 for the customer's own order, asked for by the support agent, with *changes*.

    A mapping among the changes goes over the default's members; one under the name `only` replaces whole parts.
    """
    system, _, _ = operation.partition(".")
    effects = {shape.operation.id: shape.operation.effect.value for shape in SHAPES}
    parts: dict[str, Any] = {
        "principal": {"kind": "agent", "id": "desk", "tenant": "acme", "roles": ["support"], "attributes": {}},
        "operation": operation,
        "digest": "sha256:0",
        "effect": effects.get(operation, "write"),
        "system": {"name": system, "kind": "commerce"},
        "input": {"order_id": 10248, "amount": 20, "reason": "broken"},
        "session": {
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
        "facts": {
            "order": {"id": 10248, "customer_id": "ALFKI", "total": 440.0, "shipped": None, "lines": [{"n": 1}]},
            "refunded": 0,
        },
        "origins": {"order_id": origin(), "amount": origin(), "reason": origin(Source.unknown)},
        "data": Label().to_json(),
        "quality": {"stale": False, "missing": [], "age_seconds": 0},
        "usage": {"session_actions": 1, "operation_calls": 0, "repeats": 0},
        "now": "2025-01-15T12:00:00Z",
        "modes": {"installation": "automatic", "agent": "automatic", "operation": "automatic"},
        "guards": [],
        "policy_version": "",
    }
    for name, part in changes.items():
        parts[name] = {**parts[name], **part} if isinstance(part, dict) else part
    return Snapshot(**parts)
