"""What a project leaves undeclared about operations that its agents use, and that nothing can be judged without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.assessment.attacks.filling import branch, closed
from interlock.integration.systems import Catalog
from interlock.orchestration.project import Project
from interlock.values.labels import Integrity
from interlock.values.operations import Effect, Operation, Role, Sink

_OUTWARD = re.compile(
    r"(^|_)(send|reply|mail|email|post|publish|share|invite|notify|forward|message|upload|webhook|sms|fax|tweet)(_|$)"
)
_ADDRESSES = re.compile(
    r"(^|_)(to|cc|bcc|recipients?|emails?|mails?|phone|url|uri|webhook|callback|channel|attendees|address_?book)(_|$)"
)
_OWN = "sql"
"""Databases of the house's own are written by its own systems."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth a look: what *kind* of thing, where, and what to do in words."""

    kind: str
    operation: str
    file: str
    text: str

    def to_json(self) -> dict[str, str]:
        """Return the remark as a JSON object."""
        return {"kind": self.kind, "operation": self.operation, "file": self.file, "text": self.text}


def undeclared(project: Project) -> Iterator[Remark]:
    """Yield what is undeclared of the operations that some agent may use."""
    catalog = project.catalog
    for name in sorted(catalog.operations):
        if any(spec.may_use(name) for spec in project.agents.values()):
            yield from remarks_of(catalog.operations[name].operation, catalog)


def remarks_of(operation: Operation, catalog: Catalog) -> Iterator[Remark]:
    """Yield what is undeclared of one operation."""
    system = catalog.systems[operation.system]
    schema = operation.input_schema
    known = schema.get("properties", {})
    wordless = [
        name for name, part in known.items() if name not in operation.arguments and not closed(branch(part, schema))
    ]
    if operation.consequential and wordless:
        text = f"{_list(wordless)} of {operation.id} {_is(wordless)} declared neither target, control nor content; say"
        yield Remark("no-role", operation.id, system.file, f"{text} which under `arguments`, so that origins count")
    addressed = addresses_of(operation)
    if operation.sink is None and addressed is not None:
        hint = f"recipients: [{', '.join(addressed)}]" if addressed else "clearance: internal"
        text = f"{operation.id} looks as if it sends something out of the house; if it does, declare `sink: {{{hint}}}`"
        yield Remark("no-sink", operation.id, system.file, text)
    if operation.sink is not None:
        yield from _of_sink(operation, operation.sink, system.file)
    declared = operation.output.trusted or operation.output.untrusted
    plain = operation.label.integrity is Integrity.trusted and not declared
    if plain and system.connector != _OWN and operation.effect is Effect.read:
        text = f"every field that {operation.id} answers with is trusted; if outsiders can write any, name them under"
        yield Remark("no-trust", operation.id, system.file, f"{text} `output: {{untrusted_fields: [...]}}`")


def addresses_of(operation: Operation) -> list[str] | None:
    """Return the arguments that seem to say where something is sent; None where nothing looks as if it were sent."""
    if operation.effect is Effect.read:
        return None
    found = [name for name in operation.input_schema.get("properties", {}) if _ADDRESSES.search(name.lower())]
    return found if found or _OUTWARD.search(operation.name.lower()) else None


def _of_sink(operation: Operation, sink: Sink, file: str) -> Iterator[Remark]:
    if not sink.recipients and sink.clearance is None:
        text = (
            f"{operation.id} sends to somebody whom no argument names, and only public data may go there; say how far"
        )
        yield Remark("no-clearance", operation.id, file, f"{text} data may, under `sink: {{clearance: ...}}`")
    aimless = [name for name in sink.recipients if operation.arguments.get(name, Role.target) is not Role.target]
    if aimless:
        text = f"{_list(aimless)} of {operation.id} {_is(aimless)} said to be where it goes, and declared no target"
        yield Remark("no-target", operation.id, file, f"{text}; who chose them is not judged then")


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
