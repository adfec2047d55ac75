"""The check of policies: types against the operations' schemas, names against what the project knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cedarpy

from interlock.governance.policy.findings import Finding, Severity
from interlock.governance.policy.paths import Look, asked_types, compared_texts, entities, looks
from interlock.governance.policy.rules import Rule, scope_entities
from interlock.governance.policy.schema import GROUPS, PRINCIPALS, action_groups, principal_type
from interlock.governance.policy.types import Field, Record
from interlock.governance.policy.world import OperationShape, World
from interlock.values.labels import Carried, Confidentiality, Integrity, Naming, Source

_IN_ACTION = re.compile(r' in context for Action::"([^"]+)"')
_DECIMALS = 'compare with .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual and decimal("...")'


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What policies may name: operations with their context types, and the project's words."""

    shapes: Sequence[OperationShape]
    contexts: Mapping[str, Record]
    world: World
    schema: cedarpy.Schema

    def entity_ids(self, kind: str) -> frozenset[str] | None:
        """Return the known ids of an entity type; None where any id may exist."""
        operations = [shape.operation for shape in self.shapes]
        if kind == "Role":
            return frozenset(self.world.roles)
        if kind == "System":
            return frozenset(operation.system for operation in operations)
        if kind == "Action":
            groups = {group for operation in operations for group in action_groups(operation)}
            return frozenset({operation.id for operation in operations} | groups | frozenset(GROUPS))
        return None

    def texts(self, look: Look) -> frozenset[str] | None:
        """Return the texts that an attribute can hold; None where it can hold any."""
        if look.root == "context" and look.path[:1] == ("origins",) and look.path[2:] == ("sources",):
            return frozenset(Source)
        if look.root == "context" and look.path[:1] == ("origins",) and look.path[2:] == ("named",):
            return frozenset(Naming.__members__)
        return {
            "principal.tenant": frozenset(self.world.tenants) or None,
            "principal.roles": frozenset(self.world.roles),
            "context.session.person.roles": frozenset(self.world.roles),
            "context.session.verification": frozenset({"", *self.world.levels}),
            "context.session.done": frozenset(shape.operation.id for shape in self.shapes),
            "context.data.confidentiality": frozenset(Confidentiality.__members__),
            "context.data.integrity": frozenset(integrity.value for integrity in Integrity),
            "context.flow.content_carries": frozenset(kind.value for kind in Carried),
        }.get(str(look))


def check_rules(rules: Sequence[Rule], vocabulary: Vocabulary) -> list[Finding]:
    """Return what is wrong with *rules* that were read, and what could be better."""
    findings: list[Finding] = []
    for rule in rules:
        problems = [*_unknown_entities(rule, vocabulary), *_requirement_problems(rule, vocabulary.world)]
        problems += _unknown_texts(rule, vocabulary)
        covered = [shape for shape in vocabulary.shapes if rule.covers(shape.operation)]
        absent = _absent_attributes(rule, covered, vocabulary) if not problems else []
        findings += problems + absent
        if not problems and vocabulary.shapes:
            types = _type_errors(rule, vocabulary, skip_absent=bool(absent))
            findings += types if covered else [_idle(rule)]
        findings += _advice(rule)
    return findings


def world_problems(shapes: Iterable[OperationShape], world: World) -> list[str]:
    """Return what is wrong with the words themselves."""
    problems = [
        f"the system {name!r} has the name of a group of actions; policies could not tell them apart"
        for name in sorted({shape.operation.system for shape in shapes} & set(GROUPS))
    ]
    if world.approver_role and world.approver_role not in world.roles:
        problems.append(
            f"the approver role {world.approver_role!r} is not a role{_near(world.approver_role, world.roles)}"
        )
    return problems


def _idle(rule: Rule) -> Finding:
    """Return the finding for a policy that fits no operation; only an effect or risk that nothing has is no mistake."""
    named = {name for kind, name in scope_entities(rule) if kind == "Action"}
    if named and named <= set(GROUPS):
        reason = f"no operation of this project is in {' or '.join(sorted(named))}, so it never applies"
        return Finding(rule.file, rule.line, rule.id, reason, Severity.advice)
    return Finding(rule.file, rule.line, rule.id, "its scope fits no operation, so it would never apply")


def _finding(rule: Rule, word: str, reason: str) -> Finding:
    return Finding(rule.file, rule.line_of(word) if word else rule.line, rule.id, reason)


def _near(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names[:20])}" if names else "; none is declared"


def _unknown_entities(rule: Rule, vocabulary: Vocabulary) -> list[Finding]:
    named = dict.fromkeys([*scope_entities(rule), *(uid for body in rule.bodies for uid in entities(body))])
    kinds = ("Role", "System", "Action", *PRINCIPALS)
    asked = [
        part["entity_type"] for part in (rule.document["principal"], rule.document["resource"]) if "is" in part["op"]
    ]
    asked += [kind for body in rule.bodies for kind in asked_types(body)]
    findings = [
        _finding(rule, kind, f"there is no entity type {kind!r}{_near(kind, kinds)}")
        for kind in dict.fromkeys([*(kind for kind, _ in named), *asked])
        if kind not in kinds
    ]
    for kind, name in named:
        known = vocabulary.entity_ids(kind)
        if (
            kind == "Action"
            and "." not in name
            and rule.document["action"] == {"op": "==", "entity": {"type": kind, "id": name}}
        ):
            findings.append(_finding(rule, name, f'{name!r} is a group; write `action in Action::"{name}"`'))
        elif known is not None and name not in known:
            what = "operation or group of operations" if kind == "Action" else kind.lower()
            findings.append(_finding(rule, name, f"there is no {what} {name!r}{_near(name, known)}"))
    return findings


def _unknown_texts(rule: Rule, vocabulary: Vocabulary) -> list[Finding]:
    compared = dict.fromkeys(pair for body in rule.bodies for pair in compared_texts(body))
    findings = []
    for look, text in compared:
        known = vocabulary.texts(look)
        if known is not None and text not in known:
            findings.append(_finding(rule, text, f"`{look}` is never {text!r}{_near(text, known)}"))
    return findings


def _requirement_problems(rule: Rule, world: World) -> list[Finding]:
    findings = []
    for requirement in rule.requirements:
        known = {"step-up": world.levels, "approval": world.roles}.get(requirement.kind)
        if known is not None and requirement.subject not in known:
            what = "verification level" if requirement.kind == "step-up" else "role"
            reason = f"@require {str(requirement)!r}: there is no {what} {requirement.subject!r}"
            findings.append(_finding(rule, "require", reason + _near(requirement.subject, known)))
    return findings


def _absent_attributes(rule: Rule, covered: Sequence[OperationShape], vocabulary: Vocabulary) -> list[Finding]:
    """Return a finding for every attribute that no operation of the policy has, even where `has` guards it."""
    findings = []
    for look in dict.fromkeys(look for body in rule.bodies for look in looks(body)):
        if look.root == "context":
            records = [vocabulary.contexts[shape.operation.id] for shape in covered]
        elif look.root == "principal":
            records = [principal_type(vocabulary.world)]
        else:
            continue
        gaps = [gap for record in records if (gap := _gap(record, look.path))]
        if gaps and len(gaps) == len(records):
            position = gaps[0][0]
            name = look.path[position]
            known = {known for _, fields in gaps for known in fields}
            place = ".".join((look.root, *look.path[:position]))
            findings.append(_finding(rule, name, f"`{place}` has no `{name}`{_near(name, known)}"))
    return findings


def _gap(record: Record, path: Sequence[str]) -> tuple[int, set[str]] | None:
    """Return the position of the first name in *path* that does not exist and what does; None if all do."""
    for position, name in enumerate(path):
        part: Field | None = record.fields.get(name)
        if part is None:
            return position, set(record.fields)
        if not isinstance(part.type, Record):
            return None
        record = part.type
    return None


def _type_errors(rule: Rule, vocabulary: Vocabulary, *, skip_absent: bool) -> list[Finding]:
    result = cedarpy.validate_policies(rule.text, vocabulary.schema)
    places: dict[str, list[str]] = {}
    for error in result.errors:
        message = error.error.removeprefix("for policy `policy0`, ")
        match = _IN_ACTION.search(message)
        places.setdefault(_IN_ACTION.sub("", message), []).extend(match.groups() if match else ())
    findings = []
    for message, operations in sorted(places.items()):
        if skip_absent and "not found" in message:
            continue
        word = re.search(r"`[^`]*?([\w-]+)`", message)
        findings.append(_finding(rule, word.group(1) if word else "", _explained(message, operations)))
    return findings


def _explained(message: str, operations: list[str]) -> str:
    optional = re.search(r"access to optional attribute `([^`]+)`", message)
    if optional:
        path = f"context.{optional.group(1)}" if operations else optional.group(1)
        place, _, name = path.rpartition(".")
        message = f"`{path}` may be absent; ask first, with `{place} has {name} && ...`"
    elif "decimal" in message and "expected Long" in message:
        message = f"{message}; {_DECIMALS}"
    if operations:
        names = sorted(set(operations))
        message += f" (in {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''})"
    return message


def _advice(rule: Rule) -> list[Finding]:
    if rule.because or (rule.permits and not rule.requirements):
        return []
    what = "who is refused" if rule.forbids else "who is made to wait"
    reason = f'it has no @because("..."), so {what} is told the policy\'s id only'
    return [Finding(rule.file, rule.line, rule.id, reason, Severity.advice)]
