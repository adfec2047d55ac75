"""Policies as read from `.cedar` files: text split into statements, annotations parsed, scopes matched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import cedarpy

from interlock.governance.policy.findings import Finding
from interlock.governance.policy.paths import Node
from interlock.governance.policy.schema import action_groups
from interlock.values.decisions import Requirement, parse_requirements
from interlock.values.operations import Operation

ANNOTATIONS = {
    "id": "the policy's name, unique in the project",
    "require": "what must be met before the action runs, several separated by `;`",
    "adds": "what must be met where other policies permit; a permit that carries it permits nothing by itself",
    "because": "the reason in words for the person who is refused or made to wait",
    "note": "a remark for those who read the policy",
}
"""Every annotation that a policy may carry."""

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|[^";/]+|.', re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9][\w.:/-]{0,99}")
_ID_IN_TEXT = re.compile(r'@id\s*\(\s*"([^"\\]*)"\s*\)')


class Statement(NamedTuple):
    """The text of one policy and where it begins."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy. *document* is its body in Cedar's JSON policy format; *requirements* are those of `@require`.

    *adding* marks a policy with `@adds`: its requirements count where others permit, and it permits nothing itself.
    """

    id: str
    effect: str
    file: str
    line: int
    text: str
    because: str
    requirements: tuple[Requirement, ...]
    document: Mapping[str, Any]
    adding: bool = False

    @property
    def permits(self) -> bool:
        """Whether the policy can permit something by itself."""
        return self.effect == "permit" and not self.adding

    @property
    def forbids(self) -> bool:
        """Whether the policy is a forbid."""
        return self.effect == "forbid"

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        """The `when` and `unless` clauses, each with `kind` and `body`."""
        found: list[Mapping[str, Any]] = self.document["conditions"]
        return found

    @property
    def bodies(self) -> list[Node]:
        """The expressions of the clauses."""
        return [condition["body"] for condition in self.conditions]

    def line_of(self, word: str) -> int:
        """Return the line of the first occurrence of *word* in the policy, or the policy's own line."""
        match = re.search(rf"\b{re.escape(word)}\b", self.text)
        return self.line + self.text.count("\n", 0, match.start()) if match else self.line

    def covers(self, operation: Operation) -> bool:
        """Return whether the scope lets the policy apply to *operation* on its system."""
        action, resource = self.document["action"], self.document["resource"]
        ids = {uid["id"] for uid in _scope_entities(action)}
        if action["op"] == "==" and operation.id not in ids:
            return False
        if action["op"] == "in" and ids.isdisjoint({operation.id, *action_groups(operation)}):
            return False
        systems = {uid["id"] for uid in _scope_entities(resource) if uid["type"] == "System"}
        return operation.system in systems if systems else resource["op"] in {"All", "is"}

    def admits(self, kind: str, name: str, roles: frozenset[str]) -> bool:
        """Return whether the scope lets the policy apply to the principal *name* of Cedar type *kind*."""
        scope = self.document["principal"]
        if scope["op"] == "is" and scope["entity_type"] != kind:
            return False
        uids = _scope_entities(scope)
        if not uids:
            return True
        uid = uids[0]
        if uid["type"] == "Role" and scope["op"] != "==":
            return uid["id"] in roles
        return bool(uid["type"] == kind and uid["id"] == name)


def _scope_entities(scope: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the entities that one part of a policy's head names."""
    inner = scope.get("in")
    found = [scope["entity"]] if "entity" in scope else list(scope.get("entities", ()))
    return [*found, inner["entity"]] if inner else found


def scope_entities(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the type and id of every entity in the head of *rule*."""
    for part in ("principal", "action", "resource"):
        for uid in _scope_entities(rule.document[part]):
            yield uid["type"], uid["id"]


def statements(file: str, text: str) -> Iterator[Statement]:
    """Yield the policies in *text*, each up to and with its semicolon."""
    start = 0
    bare = ""
    for piece in _PIECE.finditer(text):
        if not piece.group().startswith("//"):
            bare += piece.group()
        if piece.group() == ";" or piece.end() == len(text):
            begin = start + _leading(text[start : piece.end()])
            if bare.strip():
                yield Statement(file, text.count("\n", 0, begin) + 1, text[begin : piece.end()])
            start, bare = piece.end(), ""


def _leading(text: str) -> int:
    """Return the length of the spaces and comments that *text* begins with."""
    match = re.match(r"(?:\s+|//[^\n]*)*", text)
    return match.end() if match else 0


def read_rules(files: Mapping[str, str]) -> tuple[list[Rule], list[Finding]]:
    """Return the policies of *files* in order, and what is wrong with those that could not be read."""
    rules: list[Rule] = []
    findings: list[Finding] = []
    taken: dict[str, Rule] = {}
    for file in sorted(files):
        for number, statement in enumerate(statements(file, files[file]), start=1):
            read = _read(statement, number)
            if isinstance(read, Finding):
                findings.append(read)
            elif read.id in taken:
                first = taken[read.id]
                why = f"the @id is taken by the policy at {first.file}:{first.line}"
                findings.append(Finding(file, read.line, read.id, why))
            else:
                taken[read.id] = read
                rules.append(read)
    return rules, findings


def _read(statement: Statement, number: int) -> Rule | Finding:
    file, line, text = statement
    match = _ID_IN_TEXT.search(text)
    name = match.group(1) if match else ""
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        why, at = _syntax(str(error), text)
        return Finding(file, line + at, name, why)
    if parsed["templates"]:
        return Finding(file, line, name, "a template with ?principal or ?resource decides nothing; name who it is for")
    document = parsed["staticPolicies"]["policy0"]
    annotations: dict[str, str] = {key: value or "" for key, value in document.pop("annotations", {}).items()}
    name = annotations.get("id", "")
    if _ID.fullmatch(name) is None:
        why = "is missing" if not name else "may hold letters, digits and `_ . : / -` only, at most 100"
        return Finding(file, line, name, f'policy {number} of the file: @id("...") {why}')
    try:
        requirements = parse_requirements(annotations.get("require", annotations.get("adds", "")))
    except ValueError as error:
        return Finding(file, line, name, f"@{'require' if 'require' in annotations else 'adds'}: {error}")
    problem = _annotation_problem(annotations, document["effect"], requirements)
    if problem:
        return Finding(file, line, name, problem)
    because = annotations.get("because", "").strip()
    adding = "adds" in annotations
    return Rule(name, document["effect"], file, line, text, because, requirements, document, adding)


def _annotation_problem(annotations: Mapping[str, str], effect: str, requirements: tuple[Requirement, ...]) -> str:
    unknown = sorted(annotations.keys() - ANNOTATIONS.keys())
    if unknown:
        known = ", ".join(f"@{name}" for name in ANNOTATIONS)
        return f"@{unknown[0]} is no annotation that Interlock knows; known are {known}"
    asking = [word for word in ("require", "adds") if word in annotations]
    if not asking:
        return ""
    if len(asking) > 1:
        return "@require and @adds exclude each other: a policy permits with requirements, or only adds them"
    if effect == "forbid":
        return f"@{asking[0]} on a forbid does nothing; put it on a permit, or leave the forbid to refuse"
    return "" if requirements else f"@{asking[0]} is empty; name what it takes, or leave it out"


def _syntax(message: str, text: str) -> tuple[str, int]:
    """Return the parser's message and how many lines below the policy's first it points, where that is certain."""
    message = " ".join(message.split())
    quoted = re.search(r"`([^`]+)`", message)
    lines = [number for number, line in enumerate(text.split("\n")) if quoted and quoted.group(1) in line]
    return f"it does not parse: {message}", lines[0] if len(lines) == 1 else 0
