"""A project's policy tests: cases of a situation and the decision that is expected of it.

The format is published as `policy-tests.json`. What a case leaves out is filled in with the cautious value: no
roles, no facts, the weakest verification, nothing done before, and an argument whose origin is not given was
made by the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.governance.gate.decision import decide
from interlock.governance.labels import Background, flow_of
from interlock.governance.policy import Policies, Slice, Snapshot
from interlock.values.decisions import Decision, Requirement
from interlock.values.labels import PUBLIC, Confidentiality, Label, Naming, Origin, Source, label_from_json

NOW = "2025-01-15T12:00:00Z"
"""The time in cases that name none."""

_MERGED = ("principal", "input", "session", "facts", "origins", "data", "flow", "quality", "usage", "modes")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case: it passed if *problems* is empty."""

    name: str
    decision: Decision
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the decision was the expected one."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {
            "name": self.name,
            "passed": self.passed,
            "problems": list(self.problems),
            "decision": self.decision.to_json(),
        }


def run_policy_tests(documents: Iterable[Mapping[str, Any]], policies: Policies) -> list[CaseResult]:
    """Return the result of every case of *documents* (valid by `policy-tests.json`), in order."""
    results = []
    for document in documents:
        defaults = document.get("defaults", {})
        for case in document["tests"]:
            decision = decide(case_snapshot(case, policies, defaults), policies)
            results.append(CaseResult(case["name"], decision, tuple(_problems(case["expect"], decision))))
    return results


def case_snapshot(case: Mapping[str, Any], policies: Policies, defaults: Mapping[str, Any] | None = None) -> Snapshot:
    """Return the snapshot that *case* describes, over the *defaults* of its file."""
    merged = {name: {**(defaults or {}).get(name, {}), **case.get(name, {})} for name in _MERGED}
    operation = case.get("operation") or (defaults or {}).get("operation", "")
    known = policies.slices.get(operation)
    system = operation.partition(".")[0]
    origins = {name: _origin(source) for name, source in merged["origins"].items()}
    tainted = any(origin["untrusted"] for origin in origins.values())
    session = _session({"tainted": tainted, **merged["session"]}, policies)
    data = Label().to_json() | merged["data"]
    return Snapshot(
        principal={"kind": "agent", "id": "test", "tenant": "default", "roles": [], "attributes": {}}
        | merged["principal"],
        operation=operation,
        digest="",
        effect=known.operation.effect.value if known else "irreversible",
        system={"name": system, "kind": "other"},
        input=merged["input"],
        session=session,
        facts=merged["facts"],
        origins=origins,
        data=data,
        quality={"stale": False, "missing": [], "age_seconds": 0} | merged["quality"],
        usage={"session_actions": 0, "operation_calls": 0, "repeats": 0} | merged["usage"],
        now=str(case.get("now") or (defaults or {}).get("now") or NOW),
        modes={"operation": known.operation.mode.word if known else "automatic"} | merged["modes"],
        guards=list(case.get("guards", ())),
        policy_version=policies.version,
        flow=_flow(known, merged, origins, data, policies, tainted=session["tainted"], seen=session["seen"])
        | merged["flow"],
    )


def _flow(
    known: Slice | None,
    merged: Mapping[str, Any],
    origins: Mapping[str, Any],
    data: Mapping[str, Any],
    policies: Policies,
    *,
    tainted: bool,
    seen: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what follows from the origins: an argument without one was made by the model."""
    if known is None:
        return {}
    made_up = {name: Origin().to_json() for name in merged["input"]}
    background = Background(label_from_json(seen), label_from_json(seen), tainted, asked=not tainted)
    label = label_from_json(data)
    clearances = policies.world.clearances
    return flow_of(known.operation, merged["input"], {**made_up, **origins}, label, background, clearances)


def _session(given: Mapping[str, Any], policies: Policies) -> dict[str, Any]:
    levels = policies.world.levels
    level = given.get("verification", levels[0] if levels else "")
    seen = PUBLIC.to_json() | given.get("seen", {})
    return {
        "id": "ses_test",
        "channel": "test",
        "customer": "",
        "verification": level,
        "verified": max(policies.world.rank(level), 0),
        "purpose": "",
        "consent": [],
        "done": [],
        "person": None,
        "requested": False,
        "in_plan": True,
        "planned": False,
        "seen": seen | {"rank": Confidentiality[seen["confidentiality"]].value},
    } | {name: value for name, value in given.items() if name != "seen"}


def _origin(source: str | list[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the origin for a source's name, several, or an origin written out in part."""
    if isinstance(source, Mapping):
        return Origin().to_json() | dict(source)
    names = [source] if isinstance(source, str) else source
    naming = Naming.named if {"person", "own"}.intersection(names) else Naming.nothing
    return Origin(tuple(Source(name) for name in names), naming=naming).to_json()


def _problems(expected: Mapping[str, Any], decision: Decision) -> Iterable[str]:
    rules = [reason.rule for reason in decision.reasons]
    if decision.outcome.value != expected["outcome"]:
        yield f"the outcome is {decision.outcome.value}, not {expected['outcome']} (rules: {', '.join(rules)})"
    if "requirements" in expected:
        wanted = sorted(str(Requirement.parse(text)) for text in expected["requirements"])
        given = sorted(str(requirement) for requirement in decision.requirements)
        if wanted != given:
            yield f"it requires {_listed(given)}, not {_listed(wanted)}"
    if "rule" in expected and expected["rule"] not in rules:
        yield f"the rule {expected['rule']} is not among its reasons ({_listed(rules)})"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
