"""The explanation of a decision: what every policy saw, and what would have changed the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.governance.gate.decision import LAYER_RULES, decide
from interlock.governance.policy import Mismatch, Part, Policies, RuleTrace, Snapshot, Truth, trace
from interlock.values.decisions import Decision, Outcome


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, the trace of every policy that could apply, and what would have changed the answer.

    *problem* says why no
    policy could be asked, where that was so.
    """

    decision: Decision
    policies: tuple[RuleTrace, ...]
    changes: tuple[str, ...]
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as a JSON object."""
        return {
            "decision": self.decision.to_json(),
            "policies": [rule.to_json() for rule in self.policies],
            "changes": list(self.changes),
            "problem": self.problem,
        }


def explain(snapshot: Snapshot, policies: Policies, *, shown: Mapping[str, Any] | None = None) -> Explanation:
    """Return why *snapshot* is decided as it is. Never raises for what the snapshot holds.

    The decision is made on *snapshot*; the values that are told are those of *shown*, the same document with what the
    reader may not see masked (default: all are told).
    """
    decision = decide(snapshot, policies)
    part = policies.slices.get(snapshot.operation)
    traces: tuple[RuleTrace, ...] = ()
    problem = ""
    if part is not None:
        try:
            traces = trace(snapshot, part, policies, shown=shown)
        except Mismatch as mismatch:
            problem = str(mismatch)
    return Explanation(decision, traces, tuple(_changes(decision, traces, problem)), problem)


def _changes(decision: Decision, traces: tuple[RuleTrace, ...], problem: str) -> Iterator[str]:
    fired = [one for one in traces if one.fired]
    reasons = {reason.rule for reason in decision.reasons}
    own = [reason.rule for reason in decision.reasons if reason.rule not in {one.rule.id for one in traces}]
    if problem:
        yield f"The policies could be asked only if this were put right: {problem}."
        return
    for rule in own:
        if rule not in LAYER_RULES:
            yield f"The rule {rule} is Interlock's own and stands before every policy; its cause would have to go."
        elif rule != "no-permit":
            yield f"Not the arguments but the gate's rule {rule} decided: {LAYER_RULES[rule]}."
    if decision.outcome is Outcome.deny and traces:
        yield from (_without(one, "forbidden it") for one in fired if one.rule.forbids)
        if not any(one.rule.permits for one in fired):
            yield from _permitting(traces)
    elif decision.outcome is Outcome.deny and "no-permit" in reasons:
        yield "No policy is about this operation at all."
    elif decision.outcome is not Outcome.allow:
        yield from (_without(one, "asked for it") for one in fired if one.rule.id in reasons)


def _without(one: RuleTrace, what: str) -> str:
    if not one.parts:
        return f"{one.rule.id} always applies{' to ' + one.scope if one.scope else ''}."
    claims = _listed(part.text for part in one.parts)
    return f"{one.rule.id} would not have {what} if any of this were otherwise: {claims}{_seen(one.parts)}."


def _permitting(traces: tuple[RuleTrace, ...]) -> Iterator[str]:
    permits = [one for one in traces if one.rule.permits]
    if not permits:
        yield "No permit is about this operation at all."
    for one in permits:
        lacking = [part for part in one.parts if part.truth is not Truth.true]
        wishes = [] if one.admitted else [f"the principal is {one.scope}"]
        wishes += [part.text for part in lacking]
        yield f"{one.rule.id} would have permitted it if: {_listed(wishes)}{_seen(lacking)}."


def _seen(parts: Iterable[Part]) -> str:
    values = {name: value for part in parts for name, value in part.seen.items()}
    shown = [f"{name} = {_short(value)}" for name, value in values.items()]
    return f" (it saw {', '.join(shown)})" if shown else ""


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(texts: Iterable[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
