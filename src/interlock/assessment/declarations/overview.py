"""What is declared of each operation, by which file, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.assessment.attacks.fields import singles_of
from interlock.assessment.attacks.filling import type_of
from interlock.assessment.attacks.undeclared import Remark, remarks_of
from interlock.foundation.documents import Document, pointer_of
from interlock.governance.labels import FieldLabels
from interlock.integration.systems import Catalog
from interlock.values.clearances import EVERY
from interlock.values.labels import Confidentiality, Integrity, Label
from interlock.values.operations import Operation, Role

NOBODY = ""
"""Stands for the file of what nobody declared, so that the default counts."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument, its role (None: undeclared), and the file that says so."""

    name: str
    role: Role | None
    file: str

    def to_json(self) -> dict[str, Any]:
        """Return the argument as a JSON object."""
        return {"name": self.name, "role": self.role.value if self.role else None, "file": self.file}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a result, its label, and the files that say who writes it and how confidential it is."""

    pointer: str
    label: Label
    trust_file: str
    label_file: str

    def to_json(self) -> dict[str, Any]:
        """Return the field as a JSON object."""
        files = {"trust_file": self.trust_file, "label_file": self.label_file}
        return {"pointer": self.pointer, **self.label.to_json(), **files}


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is declared of one operation. *files* name where its effect, risks and sink are declared."""

    operation: Operation
    fingerprint: str
    files: Mapping[str, str]
    arguments: tuple[Argument, ...]
    fields: tuple[Field, ...]
    remarks: tuple[Remark, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the overview as a JSON object."""
        operation, sink = self.operation, self.operation.sink
        return {
            "operation": operation.id,
            "definition": self.fingerprint,
            "effect": operation.effect.value,
            "risks": sorted(risk.value for risk in operation.risks),
            "words": list(operation.words),
            "sink": None
            if sink is None
            else {
                "recipients": list(sink.recipients),
                "clearance": sink.clearance.to_json() if sink.clearance else None,
            },
            "files": dict(self.files),
            "arguments": [argument.to_json() for argument in self.arguments],
            "output": [field.to_json() for field in self.fields],
            "remarks": [remark.to_json() for remark in self.remarks],
        }


def overviews(catalog: Catalog, system: str = "") -> list[Overview]:
    """Return what is declared of every operation, by name; of one *system* alone, if it is named.

    Raises `SystemUnknown`.
    """
    if system:
        catalog.system(system)
    chosen = [name for name in sorted(catalog.operations) if not system or name.startswith(f"{system}.")]
    return [_overview(name, catalog) for name in chosen]


def _overview(name: str, catalog: Catalog) -> Overview:
    compiled = catalog.operations[name]
    operation = compiled.operation
    told = _Told(catalog.sources.get(operation.system, ()), operation.name)
    arguments = [
        Argument(argument, operation.arguments.get(argument), told.of("arguments", argument))
        for argument in operation.input_schema.get("properties", {})
    ]
    return Overview(
        operation,
        compiled.definition.fingerprint,
        {key: told.of(key) for key in ("effect", "risks", "sink")},
        tuple(arguments),
        tuple(_fields(operation, told)),
        tuple(remarks_of(operation, catalog)),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """Which of a system's *sources* tells something of one of its operations."""

    sources: Sequence[Document]
    operation: str

    def of(self, *keys: str) -> str:
        """Return the file that says what *keys* lead to, or nobody's."""
        return self._at(f"/operations/{self.operation}" + pointer_of(keys))

    def usually(self, key: str) -> str:
        """Return the file that says the part *key* of the label that fields have unless something else is said."""
        return self.of("labels", key) or self._at(f"/labels/{key}")

    def _at(self, pointer: str) -> str:
        return next((source.name for source in self.sources if pointer in source.lines), NOBODY)


def _fields(operation: Operation, told: _Told) -> Iterator[Field]:
    """Yield the fields that the result's schema names, if they hold anything; without a schema all of it is one."""
    labels, decided = FieldLabels(operation), _Decided(operation)
    schema = operation.output_schema
    for path, part in [((), {})] if schema is None else singles_of(schema):
        if type_of(part) == "null":
            continue
        label = labels.of(path)
        trust = told.usually("integrity")
        if decided.trust(path):
            trusted = label.integrity is Integrity.trusted
            trust = told.of("output", "trusted_fields" if trusted else "untrusted_fields")
        confidentiality = told.usually("confidentiality") or told.usually("categories")
        if decided.label(path):
            confidentiality = told.of("output", "labels")
        yield Field(pointer_of(path), label, trust, confidentiality)


class _Decided:
    """Tells whether a pattern decides about a field: then the operation's own label makes no difference."""

    def __init__(self, operation: Operation) -> None:
        least = Label(Confidentiality.public)
        most = Label(Confidentiality.restricted, EVERY, Integrity.untrusted)
        self._both = [FieldLabels(replace(operation, label=label)) for label in (least, most)]

    def trust(self, path: Sequence[str]) -> bool:
        """Return whether a pattern says who writes the field."""
        return len({labels.integrity(path) for labels in self._both}) == 1

    def label(self, path: Sequence[str]) -> bool:
        """Return whether a pattern says how confidential the field is."""
        return len({(label.confidentiality, label.categories) for label in (one.of(path) for one in self._both)}) == 1
