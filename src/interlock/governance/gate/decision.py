"""The decision: one pure function from a snapshot and the policies to what may happen, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.governance.policy import Evaluation, Policies, Rule, Slice, Snapshot, Verdict, evaluate
from interlock.values.decisions import Decision, Mode, Outcome, Reason, Requirement, add_up
from interlock.values.operations import Effect

LAYER_RULES = {
    "mode-off": "the operation, the agent or the installation is switched off",
    "mode-shadow": "the mode is shadow: the action is decided and recorded, never run",
    "mode-read-only": "the mode is read-only and the operation is no read",
    "mode-draft": "the mode is draft: what the action would do is kept for a person",
    "mode-approval": "the mode is approval: whatever is no read needs a person's approval",
    "outside-plan": "no plan of the session foresees this use, and one has to, so a person is asked",
    "no-policy": "no policy is loaded, so nothing is allowed",
    "no-permit": "no policy permits the action",
    "unknown-operation": "the operation is not one that the policies were compiled for",
    "policy-error": "a policy could not be evaluated",
    "policy-mismatch": "what is known of the action does not have the types the policies were checked against",
}
"""The gate's own rules, by the name that a decision's reason carries, with one sentence each."""


def decide(snapshot: Snapshot, policies: Policies) -> Decision:
    """Return the decision on *snapshot*: pure, and anything but a clear permit is a denial.

    In this order: refusals found before; modes that switch off; whether any policy can apply; facts that may yet
    be had; the policies. Requirements of all permits that apply add up, and modes can only add to them.
    """
    part = policies.slices.get(snapshot.operation)
    reading = _reads(snapshot, part)
    mode, holder = strictest_mode(snapshot)
    refusal = _refusal(snapshot, policies, mode, holder, reading=reading)
    if refusal:
        return _decision(Outcome.deny, refusal, policies)
    if part is None:
        why = f"{snapshot.operation} is not an operation of this project."
        return _decision(Outcome.deny, [Reason("unknown-operation", why)], policies)
    pending = [_guard_reason(guard) for guard in snapshot.guards]
    if pending:
        return _decision(Outcome.wait, pending, policies)
    evaluation = evaluate(snapshot, part, policies)
    if evaluation.verdict is not Verdict.permitted:
        return _denied(snapshot, evaluation, policies)
    return _permitted(snapshot, evaluation.rules, policies, mode, holder)


def strictest_mode(snapshot: Snapshot) -> tuple[Mode, str]:
    """Return the strictest mode that applies and who set it; a word that is no mode counts as `off`."""
    mode, holder = Mode.automatic, ""
    for name, word in snapshot.modes.items():
        try:
            one = Mode.parse(word)
        except (KeyError, AttributeError):
            one = Mode.off
        if one < mode:
            mode, holder = one, name
    return mode, holder


def _reads(snapshot: Snapshot, part: Slice | None) -> bool:
    return snapshot.effect == Effect.read.value and (part is None or part.operation.effect is Effect.read)


def _refusal(snapshot: Snapshot, policies: Policies, mode: Mode, holder: str, *, reading: bool) -> list[Reason]:
    found = [guard for guard in snapshot.guards if guard.get("outcome", "deny") != "wait"]
    if found:
        return [_guard_reason(guard) for guard in found]
    if mode is Mode.off:
        return [Reason("mode-off", f"The mode of the {holder} is off.")]
    if mode is Mode.read_only and not reading:
        text = f"The mode of the {holder} is read-only, and {snapshot.operation} is a {snapshot.effect} operation."
        return [Reason("mode-read-only", text)]
    if not policies.rules:
        return [Reason("no-policy", "No policy is loaded, so nothing is allowed.")]
    return []


def _guard_reason(guard: dict[str, object]) -> Reason:
    return Reason(str(guard.get("rule", "guard")), str(guard.get("text", "")))


def _denied(snapshot: Snapshot, evaluation: Evaluation, policies: Policies) -> Decision:
    rules = evaluation.rules
    if evaluation.verdict is Verdict.forbidden:
        reasons = [Reason(rule.id, rule.because or f"The policy {rule.id} forbids it.") for rule in rules]
    elif evaluation.verdict is Verdict.failed:
        names = ", ".join(rule.id for rule in rules) or "A policy"
        reasons = [Reason("policy-error", f"{names} could not be evaluated, so the action is denied.")]
    elif evaluation.verdict is Verdict.mismatched:
        what = evaluation.problem or "What is known of the action does not fit"
        text = f"{what}, so the policies cannot be asked and the action is denied."
        reasons = [Reason("policy-mismatch", text)]
    else:
        who = f"{snapshot.principal['kind']}:{snapshot.principal['id']}"
        text = f"No policy permits {who} to use {snapshot.operation} in this case."
        reasons = [Reason("no-permit", text)]
    return _decision(Outcome.deny, reasons, policies, rules)


def _permitted(snapshot: Snapshot, rules: tuple[Rule, ...], policies: Policies, mode: Mode, holder: str) -> Decision:
    planned = snapshot.session.get("in_plan") is not False
    if mode is Mode.automatic and planned and not any(rule.requirements for rule in rules):  # most, so without a detour
        return _decision(Outcome.allow, [_allowing(rule) for rule in rules if rule.permits], policies, rules)
    writing = not _reads(snapshot, policies.slices[snapshot.operation])
    for kind, applies in (
        ("shadow", mode is Mode.shadow),
        ("draft", mode is Mode.draft and writing),
    ):
        reasons = [_because(rule, f"The policy {rule.id} makes it a {kind}.") for rule in _asking(rules, kind)]
        if applies:
            reasons.append(Reason(f"mode-{kind}", f"The mode of the {holder} is {kind}."))
        if reasons:
            return _decision(Outcome(kind), reasons, policies, rules)
    open_by_rule = {rule.id: _open(snapshot, rule.requirements, policies) for rule in rules}
    asked = [requirement for requirements in open_by_rule.values() for requirement in requirements]
    reasons = [
        _because(rule, f"The policy {rule.id} asks for {_words(open_by_rule[rule.id])}.")
        for rule in rules
        if open_by_rule[rule.id]
    ]
    if mode is Mode.approval and writing:
        approval = Requirement("approval", policies.world.approver_role)
        asked.append(approval)
        reasons.append(Reason("mode-approval", f"The mode of the {holder} asks for {_words([approval])}."))
    if not planned:
        person = _person(snapshot, policies)
        asked.append(person)
        text = f"No plan of the session foresees this use of {snapshot.operation}, so it needs {_words([person])}."
        reasons.append(Reason("outside-plan", text))
    if asked:
        return _decision(Outcome.wait, reasons, policies, rules, add_up(asked))
    reasons = [_allowing(rule) for rule in rules if rule.permits]
    return _decision(Outcome.allow, reasons, policies, rules)


def _asking(rules: Iterable[Rule], kind: str) -> list[Rule]:
    return [rule for rule in rules if any(requirement.kind == kind for requirement in rule.requirements)]


def _because(rule: Rule, otherwise: str) -> Reason:
    return Reason(rule.id, rule.because or otherwise)


def _allowing(rule: Rule) -> Reason:
    """Return why an allow is one; a permit whose requirements are met already no longer says what it asked for."""
    text = rule.because if rule.because and not rule.requirements else f"The policy {rule.id} permits it."
    return Reason(rule.id, text)


def _open(snapshot: Snapshot, requirements: Iterable[Requirement], policies: Policies) -> list[Requirement]:
    """Return the requirements that the session does not meet already."""
    verified = snapshot.session.get("verified")
    rank = verified if type(verified) is int else -1
    return [
        _person(snapshot, policies) if requirement.kind == "person" else requirement
        for requirement in requirements
        if not (requirement.kind == "step-up" and rank >= policies.world.rank(requirement.subject) >= 0)
    ]


def _person(snapshot: Snapshot, policies: Policies) -> Requirement:
    """Return who is asked where any person will do: the session's own, or else whoever approves by default."""
    if snapshot.session.get("person") is not None:
        return Requirement("confirm")
    return Requirement("approval", policies.world.approver_role)


def _words(requirements: Iterable[Requirement]) -> str:
    parts = []
    for requirement in requirements:
        if requirement.kind == "confirm":
            parts.append("the person's own confirmation")
        elif requirement.kind == "step-up":
            parts.append(f"the verification level {requirement.subject}")
        elif requirement.count > 1:
            parts.append(f"approval by {requirement.count} people with the role {requirement.subject}")
        else:
            parts.append(f"approval by {requirement.subject or 'somebody else'}")
    return " and ".join(parts)


def _decision(
    outcome: Outcome,
    reasons: list[Reason],
    policies: Policies,
    rules: Iterable[Rule] = (),
    requirements: tuple[Requirement, ...] = (),
) -> Decision:
    ids = tuple(rule.id for rule in rules)
    return Decision(outcome, tuple(reasons), requirements, ids, policies.version)
