"""What each policy of an operation saw: its scope and every part of its conditions, true or false, with the values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.governance.policy.compiled import Policies, Slice, policy_set
from interlock.governance.policy.encoding import Mismatch, context_view
from interlock.governance.policy.evaluation import ask
from interlock.governance.policy.paths import Node, looks
from interlock.governance.policy.rules import Rule
from interlock.governance.policy.snapshot import Snapshot
from interlock.governance.policy.words import claim, conjuncts, scope

_PROBE = re.compile(r"policy `(\d+)`")
_ANYBODY = {"op": "All"}


class Truth(StrEnum):
    """What became of one part of a condition."""

    true = "true"
    false = "false"
    failed = "failed"
    not_reached = "not_reached"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a condition in words, whether it held, and the values it looked at (None: not there)."""

    text: str
    truth: Truth
    seen: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the part as a JSON object."""
        return {"text": self.text, "truth": self.truth.value, "seen": dict(self.seen)}


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One policy: whether its scope admits the principal, and its conditions' parts; `fired` if all held."""

    rule: Rule
    admitted: bool
    scope: str
    parts: tuple[Part, ...]

    @property
    def fired(self) -> bool:
        """Whether the policy applied."""
        return self.admitted and all(part.truth is Truth.true for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return the trace as a JSON object."""
        return {
            "policy": self.rule.id,
            "effect": self.rule.effect,
            "file": self.rule.file,
            "line": self.rule.line,
            "because": self.rule.because,
            "require": [str(requirement) for requirement in self.rule.requirements],
            "principal": {"scope": self.scope, "admitted": self.admitted},
            "conditions": [part.to_json() for part in self.parts],
            "fired": self.fired,
        }


def trace(
    snapshot: Snapshot, part: Slice, policies: Policies, *, shown: Mapping[str, Any] | None = None
) -> tuple[RuleTrace, ...]:
    """Return what every policy of *part* made of *snapshot*, in the order of the files. Raises `Mismatch`.

    *shown* is the snapshot as its reader may see it: what differs there is told as it is there. Every part of every
    condition is put to the engine as a policy of its own, over the same context.
    """
    probes: dict[str, Mapping[str, Any]] = {}
    plan: list[tuple[Rule, str, list[tuple[str, Node]]]] = []
    for rule in part.rules:
        head = _probe(probes, {**rule.document, "conditions": []})
        nodes = [node for condition in rule.conditions for node in conjuncts(condition)]
        plan.append((rule, head, [(_probe(probes, _asking(node)), node) for node in nodes]))
    result = ask(snapshot, part, policies, policy_set(probes))
    held = set(result.diagnostics.reasons)
    failed = {name for error in result.diagnostics.errors for name in _PROBE.findall(error)}
    view, facts = _view(snapshot, part), snapshot.to_json()
    traces = []
    for rule, head, asked in plan:
        parts: list[Part] = []
        reached = True
        for name, node in asked:
            truth = Truth.true if name in held else Truth.failed if name in failed else Truth.false
            if truth is Truth.failed and not reached:
                truth = Truth.not_reached
            reached = reached and truth is Truth.true
            parts.append(Part(claim(node), truth, _seen(node, view, facts, facts if shown is None else shown)))
        traces.append(RuleTrace(rule, head in held, scope(rule.document["principal"]), tuple(parts)))
    return tuple(traces)


def _probe(probes: dict[str, Mapping[str, Any]], document: Mapping[str, Any]) -> str:
    name = str(len(probes))
    probes[name] = {**document, "effect": "permit"}
    return name


def _asking(node: Node) -> dict[str, Any]:
    conditions = [{"kind": "when", "body": node}]
    return {"principal": _ANYBODY, "resource": _ANYBODY, "conditions": conditions}


def _view(snapshot: Snapshot, part: Slice) -> dict[str, Any]:
    try:
        context = context_view(part.context, snapshot)
    except Mismatch:
        context = {}
    principal = {key: snapshot.principal.get(key) for key in ("id", "tenant", "roles", "attributes")}
    return {"context": context, "principal": principal, "resource": snapshot.system, "action": part.operation.id}


def _seen(node: Node, view: Mapping[str, Any], known: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    seen = {}
    for look in dict.fromkeys(looks(node)):
        value: Any = view.get(look.root)
        for name in look.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        seen[str(look)] = _covered(look.path, value, known, shown) if look.root == "context" else value
    return seen


def _covered(path: Iterable[str], value: Any, known: Any, shown: Any) -> Any:
    """Return *value*, which is at *path* of *known*, or what *shown* has there (or above it) in its place."""
    for name in path:
        known = known.get(name) if isinstance(known, Mapping) else None
        shown = shown.get(name) if isinstance(shown, Mapping) else shown
        if known is shown:
            return value
    return value if known is shown else shown
