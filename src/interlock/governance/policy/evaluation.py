"""One evaluation of the policies of an operation by the Cedar engine, its answer read with suspicion.

Cedar skips a policy that fails while it is evaluated, so a forbid that fails would do no harm to the action; here
any failure is an answer of its own, and the gate denies. So is a snapshot that does not have the types which the
policies were checked against.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import cedarpy
import orjson

from interlock.governance.policy.compiled import Policies, Slice
from interlock.governance.policy.encoding import Mismatch
from interlock.governance.policy.rules import Rule
from interlock.governance.policy.schema import action_groups
from interlock.governance.policy.snapshot import Snapshot
from interlock.governance.policy.world import World
from interlock.values.principals import Kind

_KINDS = {kind.value: kind.value.capitalize() for kind in Kind}
LONGEST_KEPT = 1024
"""Characters of a context up to which what the policies said to it is kept."""
_POLICY = re.compile(r"policy `([^`]+)`")


class Verdict(StrEnum):
    """What the policies say."""

    permitted = "permitted"
    forbidden = "forbidden"
    unpermitted = "unpermitted"
    failed = "failed"
    mismatched = "mismatched"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A verdict, the rules behind it in the order of the files, and for a mismatch what does not fit."""

    verdict: Verdict
    rules: tuple[Rule, ...] = ()
    problem: str = ""


def evaluate(snapshot: Snapshot, part: Slice, policies: Policies) -> Evaluation:
    """Return what the policies of *part* say to *snapshot*. Never raises for what the snapshot holds.

    The policies are pure, so what they said to the same principal and context before they say again; most reads
    have one context, because only what some policy looks at is in it.
    """
    try:
        principal, context = _question(snapshot, part, policies)
        if not isinstance(snapshot.system.get("kind", ""), str):
            raise Mismatch("has a kind that is no text", root="resource")
        key = (part.operation.id, snapshot.system.get("kind", ""), principal, context)
        known: Evaluation | None = policies.answers.get(key)
        if known is not None:
            return known
        result = _answer(principal, context, snapshot, part, policies, part.policy_set)
    except Mismatch as mismatch:
        return Evaluation(Verdict.mismatched, problem=str(mismatch))
    evaluation = _read(result, part)
    if len(context) <= LONGEST_KEPT:
        policies.answers.put(key, evaluation)
    return evaluation


def _read(result: cedarpy.AuthzResult, part: Slice) -> Evaluation:
    diagnostics = result.diagnostics
    if diagnostics.errors:
        named = {name for error in diagnostics.errors for name in _POLICY.findall(error)}
        verdict = Verdict.mismatched if result.decision is cedarpy.Decision.NoDecision else Verdict.failed
        return Evaluation(verdict, _rules(part, named))
    fired = _rules(part, set(diagnostics.reasons))
    if result.allowed and any(rule.permits for rule in fired):
        return Evaluation(Verdict.permitted, tuple(rule for rule in fired if not rule.forbids))
    forbids = tuple(rule for rule in fired if rule.forbids)
    return Evaluation(Verdict.forbidden if forbids else Verdict.unpermitted, forbids)


def ask(snapshot: Snapshot, part: Slice, policies: Policies, policy_set: cedarpy.PolicySet) -> cedarpy.AuthzResult:
    """Return the engine's answer for *snapshot* under *policy_set*. Raises `Mismatch`."""
    principal, context = _question(snapshot, part, policies)
    return _answer(principal, context, snapshot, part, policies, policy_set)


def _question(snapshot: Snapshot, part: Slice, policies: Policies) -> tuple[_Principal, str]:
    if snapshot.system.get("name") != part.operation.system:
        raise Mismatch("is not the system of the operation", root="resource")
    try:
        context = orjson.dumps(part.encode(snapshot)).decode()
    except orjson.JSONEncodeError:
        raise Mismatch("holds a text that is not valid Unicode") from None
    return _principal(snapshot.principal, policies.world), context


def _answer(
    principal: _Principal,
    context: str,
    snapshot: Snapshot,
    part: Slice,
    policies: Policies,
    policy_set: cedarpy.PolicySet,
) -> cedarpy.AuthzResult:
    request = {
        "principal": {"type": principal.kind, "id": principal.id},
        "action": {"type": "Action", "id": part.operation.id},
        "resource": {"type": "System", "id": part.operation.system},
        "context": context,
    }
    return cedarpy.is_authorized(request, policy_set, _entities(principal, snapshot.system, part, policies))


class _Principal(NamedTuple):
    kind: str
    id: str
    tenant: str
    roles: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]


def _principal(document: Mapping[str, Any], world: World) -> _Principal:
    roles, attributes = document.get("roles"), document.get("attributes") or {}
    texts = [document.get("kind"), document.get("id"), document.get("tenant")]
    if isinstance(roles, list) and isinstance(attributes, dict):
        texts += roles
        if all(isinstance(text, str) and text.isprintable() for text in texts) and texts[0] in _KINDS:
            declared = ((name, attributes.get(name)) for name in world.attributes)
            kept = tuple((name, value) for name, value in declared if isinstance(value, str))
            return _Principal(_KINDS[str(texts[0])], str(texts[1]), str(texts[2]), tuple(roles), kept)
    raise Mismatch("is not well formed", root="principal")


def _entities(principal: _Principal, system: Mapping[str, Any], part: Slice, policies: Policies) -> cedarpy.Entities:
    kind = system.get("kind", "")
    action = part.operation.id if part.asks_action else ""
    if not isinstance(kind, str):
        raise Mismatch("has a kind that is no text", root="resource")
    key = (principal, part.operation.system, kind, action)
    known = policies.entities.get(key)
    if known is not None:
        return known
    roles = [("Role", role) for role in principal.roles]
    attributes = {
        "tenant": principal.tenant,
        "roles": principal.roles,
        "attributes": dict(principal.attributes),
    }
    entities = [
        _entity(principal.kind, principal.id, attributes, roles),
        _entity("System", part.operation.system, {"kind": kind}, []),
    ]
    if action:
        groups = [("Action", group) for group in action_groups(part.operation)]
        entities.append(_entity("Action", action, {}, groups))
    try:
        made = cedarpy.Entities.from_json_str(orjson.dumps(entities).decode())
    except (orjson.JSONEncodeError, ValueError):
        raise Mismatch("is not well formed", root="principal") from None
    return policies.entities.put(key, made)


def _entity(kind: str, name: str, attributes: Mapping[str, Any], parents: Iterable[tuple[str, str]]) -> dict[str, Any]:
    uids = [{"type": parent, "id": id} for parent, id in dict.fromkeys(parents)]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": uids}


def _rules(part: Slice, ids: set[str]) -> tuple[Rule, ...]:
    return tuple(rule for rule in part.rules if rule.id in ids)
