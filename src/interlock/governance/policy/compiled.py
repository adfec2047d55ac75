"""Policies compiled for use: checked, sliced by operation, with everything precomputed that can be."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import cedarpy

from interlock.governance.policy.check import Vocabulary, check_rules, world_problems
from interlock.governance.policy.encoding import context_encoder
from interlock.governance.policy.errors import PolicyInvalid
from interlock.governance.policy.findings import Finding, Severity
from interlock.governance.policy.paths import looks, wanted
from interlock.governance.policy.rules import Rule, read_rules
from interlock.governance.policy.schema import context_type, generate_schema
from interlock.governance.policy.snapshot import Snapshot
from interlock.governance.policy.types import Record
from interlock.governance.policy.world import OperationShape, World
from interlock.values.digests import digest
from interlock.values.operations import Operation

_T = TypeVar("_T")


class Bounded(Generic[_T]):
    """A cache that is emptied when it is full: small, and no bookkeeping on a hit."""

    __slots__ = ("_entries", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[Hashable, _T] = {}

    def get(self, key: Hashable) -> _T | None:
        """Return the entry, or None."""
        return self._entries.get(key)

    def put(self, key: Hashable, entry: _T) -> _T:
        """Keep and return *entry*."""
        if len(self._entries) >= self._most:
            self._entries.clear()
        self._entries[key] = entry
        return entry

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True, slots=True)
class Slice:
    """The policies that can apply to one operation, and the encoder of what they look at."""

    operation: Operation
    context: Record
    rules: tuple[Rule, ...]
    policy_set: cedarpy.PolicySet
    encode: Callable[[Snapshot], dict[str, Any]]
    asks_action: bool


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of one project version. Immutable; two with equal `version` decide alike."""

    version: str
    files: Mapping[str, str]
    schema: str
    world: World
    rules: Mapping[str, Rule]
    slices: Mapping[str, Slice]
    entities: Bounded[cedarpy.Entities] = field(repr=False, compare=False, default_factory=lambda: Bounded(4096))
    answers: Bounded[Any] = field(repr=False, compare=False, default_factory=lambda: Bounded(4096))
    permitted: Bounded[tuple[str, ...]] = field(repr=False, compare=False, default_factory=lambda: Bounded(1024))


def check_policies(files: Mapping[str, str], operations: Sequence[OperationShape], world: World) -> list[Finding]:
    """Return every error and every advice about *files* (text by path), by file and line."""
    return _examined(files, operations, world)[1]


def compile_policies(files: Mapping[str, str], operations: Sequence[OperationShape], world: World) -> Policies:
    """Return *files* compiled for *operations*. Raises `PolicyInvalid` with every finding that is an error."""
    rules, findings, schema = _examined(files, operations, world)
    errors = [finding for finding in findings if finding.severity is Severity.error]
    if errors:
        raise PolicyInvalid(errors)
    sets: dict[tuple[str, ...], cedarpy.PolicySet] = {}
    slices = {shape.operation.id: _slice(shape, rules, sets) for shape in operations}
    version = digest({"files": dict(files), "schema": schema, "world": world.to_json()})
    return Policies(version, dict(files), schema, world, {rule.id: rule for rule in rules}, slices)


def _examined(
    files: Mapping[str, str], operations: Sequence[OperationShape], world: World
) -> tuple[list[Rule], list[Finding], str]:
    contexts = {shape.operation.id: context_type(shape) for shape in operations}
    schema = generate_schema(operations, contexts, world)
    rules, findings = read_rules(files)
    findings += [Finding("", 0, "", problem) for problem in world_problems(operations, world)]
    vocabulary = Vocabulary(operations, contexts, world, cedarpy.Schema.from_str(schema))
    findings += check_rules(rules, vocabulary)
    return rules, sorted(findings, key=lambda finding: (finding.file, finding.line, finding.severity)), schema


def _slice(shape: OperationShape, rules: Sequence[Rule], sets: dict[tuple[str, ...], cedarpy.PolicySet]) -> Slice:
    chosen = tuple(rule for rule in rules if rule.covers(shape.operation))
    ids = tuple(rule.id for rule in chosen)
    if ids not in sets:
        sets[ids] = policy_set({rule.id: rule.document for rule in chosen})
    context = context_type(shape)
    bodies = [body for rule in chosen for body in rule.bodies]
    asks_action = any(look.root == "action" for body in bodies for look in looks(body))
    return Slice(shape.operation, context, chosen, sets[ids], context_encoder(context, wanted(bodies)), asks_action)


def policy_set(documents: Mapping[str, Mapping[str, Any]]) -> cedarpy.PolicySet:
    """Return policies in Cedar's JSON format as a set, by id; which actions they are for is no longer asked."""
    static = {name: {**document, "action": {"op": "All"}} for name, document in documents.items()}
    return cedarpy.PolicySet.from_json_str(json.dumps({"templates": {}, "staticPolicies": static, "templateLinks": []}))


def permitted_operations(principal: Mapping[str, Any], policies: Policies) -> tuple[str, ...]:
    """Return the ids of the operations that *principal* (`Principal.to_json()`) may hope to use, sorted.

    An operation is left out if no permit's scope fits the principal, or if a forbid without conditions fits.
    Whether a single action is allowed is for `decide` to say.
    """
    kind, name = str(principal["kind"]).capitalize(), str(principal["id"])
    roles = frozenset(principal.get("roles", ()))
    key = (kind, name, roles)
    known = policies.permitted.get(key)
    if known is not None:
        return known
    found = sorted(part.operation.id for part in policies.slices.values() if _hopeful(part.rules, kind, name, roles))
    return policies.permitted.put(key, tuple(found))


def _hopeful(rules: Sequence[Rule], kind: str, name: str, roles: frozenset[str]) -> bool:
    fitting = [rule for rule in rules if rule.admits(kind, name, roles)]
    return any(rule.permits for rule in fitting) and all(not rule.forbids or rule.conditions for rule in fitting)
