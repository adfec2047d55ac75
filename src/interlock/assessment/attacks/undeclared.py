"""What a project leaves undeclared about operations that its agents use, and that nothing can be judged without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.assessment.attacks.filling import branch, closed
from interlock.integration.systems import Catalog
from interlock.orchestration.project import Project
from interlock.values.labels import Integrity
from interlock.values.operations import Effect, Operation

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
            yield from _of(catalog.operations[name].operation, catalog)


def _of(operation: Operation, catalog: Catalog) -> Iterator[Remark]:
    system = catalog.systems[operation.system]
    schema = operation.input_schema
    known = schema.get("properties", {})
    wordless = [
        name for name, part in known.items() if name not in operation.arguments and not closed(branch(part, schema))
    ]
    if operation.effect is not Effect.read and wordless:
        text = f"{_list(wordless)} of {operation.id} {_is(wordless)} declared neither target, control nor content; say"
        yield Remark("no-role", operation.id, system.file, f"{text} which under `arguments`, so that origins count")
    addressed = [name for name in known if _ADDRESSES.search(name.lower())]
    outward = operation.effect is not Effect.read and bool(_OUTWARD.search(operation.name.lower()))
    if operation.sink is None and (outward or (addressed and operation.effect is not Effect.read)):
        hint = f"recipients: [{', '.join(addressed)}]" if addressed else "clearance: internal"
        text = f"{operation.id} looks as if it sends something out of the house; if it does, declare `sink: {{{hint}}}`"
        yield Remark("no-sink", operation.id, system.file, text)
    declared = operation.output.trusted or operation.output.untrusted
    plain = operation.label.integrity is Integrity.trusted and not declared
    if plain and system.connector != _OWN and operation.effect is Effect.read:
        text = f"every field that {operation.id} answers with is trusted; if outsiders can write any, name them under"
        yield Remark("no-trust", operation.id, system.file, f"{text} `output: {{untrusted_fields: [...]}}`")


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
