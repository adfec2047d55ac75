"""A declaration pack to start from: what a pack declares already, and a guess for everything that nobody declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.assessment.attacks.fields import singles_of
from interlock.assessment.attacks.undeclared import addresses_of
from interlock.assessment.declarations.guesses import distrusts, risk_guesses, role_guess
from interlock.assessment.declarations.marked import marked_lines, plain
from interlock.assessment.declarations.overview import NOBODY, Overview, overviews
from interlock.foundation.documents import escape, pointer_of
from interlock.integration.systems import Catalog
from interlock.values.labels import Integrity
from interlock.values.operations import Operation

PINNED = 12
"""How many digits of a definition's digest a pack is pinned to."""

_HEAD = """\
# A starting point for labels/{system}.yaml, for the definitions as they are now. Lines marked as a guess were guessed
# from names and schemas alone: look at each, put it right, and take the mark away.
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A pack for *system*; *guesses* say why, by the pointer of what was guessed. Without operations there is none."""

    system: str
    description: str
    operations: Mapping[str, Mapping[str, Any]]
    guesses: Mapping[str, str]

    @property
    def file(self) -> str:
        """The file that the pack belongs in."""
        return f"labels/{self.system}.yaml"

    @property
    def pack(self) -> dict[str, Any] | None:
        """The pack as a document of kind `labels`, or None where nothing is left to declare."""
        described = {"description": self.description} if self.description else {}
        return {"labels": self.system, **described, "operations": self.operations} if self.operations else None

    def to_json(self) -> dict[str, Any]:
        """Return the draft as a JSON object."""
        guesses = [{"pointer": pointer, "why": why} for pointer, why in self.guesses.items()]
        return {"system": self.system, "file": self.file, "pack": self.pack, "guesses": guesses}

    def to_yaml(self) -> str:
        """Return the pack as YAML, with each guess marked in a comment."""
        lines = [_HEAD.format(system=self.system), f"labels: {self.system}\n"]
        if self.description:
            lines.append(f"description: {json.dumps(self.description, ensure_ascii=False)}\n")
        lines.append("operations:\n")
        marks = {pointer: f"guess: {why}" for pointer, why in self.guesses.items()}
        for name, declared in self.operations.items():
            lines.append(f"  {plain(name)}:\n")
            lines += marked_lines(declared, marks, f"/operations/{escape(name)}", 4)
        return "".join(lines)


@dataclass(slots=True)
class _Entry:
    """What a pack says of one operation, while it is gathered."""

    place: str
    declared: dict[str, Any]
    guesses: dict[str, str] = field(default_factory=dict)

    def guess(self, value: Any, why: str, *keys: str) -> None:
        """Note a guess at the place that *keys* lead to."""
        *around, last = keys
        part = self.declared
        for key in around:
            part = part.setdefault(key, {})
        part[last] = value
        self.guesses[self.place + pointer_of(keys)] = why


def draft_of(catalog: Catalog, system: str) -> Draft:
    """Return a pack for *system*: what its pack declares already, and guesses for what no file says.

    What the system's own file says is left out, since it counts first. Raises `SystemUnknown`.
    """
    entries: dict[str, dict[str, Any]] = {}
    guesses: dict[str, str] = {}
    sources = catalog.sources.get(system, ())
    pack = sources[1].data if len(sources) > 1 else {}
    held = pack.get("operations", {})
    for overview in overviews(catalog, system):
        name = overview.operation.name
        known = {key: _copied(value) for key, value in held.get(name, {}).items() if key != "definition"}
        entry = _Entry(f"/operations/{escape(name)}", known)
        _guess(entry, overview)
        if entry.declared:
            entries[name] = {"definition": overview.fingerprint[:PINNED], **_ordered(entry.declared)}
            guesses |= entry.guesses
    return Draft(system, pack.get("description", ""), entries, guesses)


def _guess(entry: _Entry, overview: Overview) -> None:
    operation = overview.operation
    schema = operation.input_schema
    for argument in overview.arguments:
        if argument.role is None:
            role = role_guess(argument.name, schema["properties"][argument.name], schema)
            entry.guess(str(role.word), role.why, "arguments", argument.name)
    if overview.files["risks"] == NOBODY:
        found = risk_guesses(operation)
        if found:
            spoken = ", ".join(dict.fromkeys(found.values()))
            entry.guess([risk.value for risk in found], f"the name says {spoken}", "risks")
    if overview.files["sink"] == NOBODY:
        _guess_sink(entry, operation)
    _guess_output(entry, overview)


def _guess_sink(entry: _Entry, operation: Operation) -> None:
    addresses = addresses_of(operation)
    if addresses:
        entry.guess({"recipients": addresses}, "where it seems to be sent", "sink")
    elif addresses is not None:
        entry.guess({"clearance": "public"}, "its name says that it sends; say how far data may go", "sink")


def _guess_output(entry: _Entry, overview: Overview) -> None:
    """Guess who writes a result, where no file says anything of it and it would be trusted."""
    operation = overview.operation
    undeclared = all(one.trust_file == NOBODY and one.label.integrity is Integrity.trusted for one in overview.fields)
    if not undeclared:
        return
    if operation.output_schema is None:
        entry.guess("untrusted", "the result has no schema, so anything may be in it", "labels", "integrity")
        return
    texts = [path for path, part in singles_of(operation.output_schema) if distrusts(path, part)]
    for index, path in enumerate(texts):
        fields = entry.declared.setdefault("output", {}).setdefault("untrusted_fields", [])
        fields.append(pointer_of(path))
        entry.guesses[f"{entry.place}/output/untrusted_fields/{index}"] = "free text"


def _ordered(declared: Mapping[str, Any]) -> dict[str, Any]:
    order = dict.fromkeys(("risks", "sink", "arguments", "output", "labels", *declared))
    return {key: declared[key] for key in order if key in declared}


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))
