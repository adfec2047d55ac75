"""Lowering a label on a person's responsibility: of which field, to what, why, by whom, when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.documents import pointer_of, unescape
from interlock.values.labels import Category, Confidentiality, Integrity, Label, label_from_json

ANY = "*"


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A field of an operation's results, as origins name it: `helpdesk.get_ticket#/body`.

    A step `*` stands for any one name or index. What is beneath the field is another place.
    """

    operation: str
    steps: tuple[str, ...] = ()

    def covers(self, operation: str, steps: Sequence[str]) -> bool:
        """Return whether the field of *operation* at *steps* is one of those that the place names."""
        if operation != self.operation or len(steps) != len(self.steps):
            return False
        return all(part in (ANY, step) for part, step in zip(self.steps, steps, strict=True))

    def __str__(self) -> str:
        """Return the place as it is written, its steps as a JSON pointer."""
        return f"{self.operation}#" + pointer_of(self.steps)


def field_place(written: str) -> FieldPlace:
    """Return the place that `str` of one writes. Raises `ValueError` for anything else."""
    operation, mark, pointer = written.partition("#")
    if not operation or not mark or (pointer and not pointer.startswith("/")):
        raise ValueError("a place is written operation#/pointer")
    return FieldPlace(operation, tuple(map(unescape, pointer.split("/")[1:])))


@dataclass(frozen=True, slots=True)
class Lowering:
    """What a label is lowered to; a part that is None stays as it is.

    *categories* are those that are left of it. Nothing here can raise a label: of each part the less strict one of
    the label's own and the one named holds.
    """

    confidentiality: Confidentiality | None = None
    categories: frozenset[Category] | None = None
    integrity: Integrity | None = None

    def apply(self, label: Label) -> Label:
        """Return *label* lowered."""
        level, left = label.confidentiality, label.categories
        return Label(
            level if self.confidentiality is None else min(level, self.confidentiality),
            left if self.categories is None else left & self.categories,
            Integrity.trusted if Integrity.trusted in (label.integrity, self.integrity) else Integrity.untrusted,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the lowering as a JSON object with the parts that it names."""
        document: dict[str, Any] = {}
        if self.confidentiality is not None:
            document["confidentiality"] = self.confidentiality.name
        if self.categories is not None:
            document["categories"] = sorted(self.categories)
        if self.integrity is not None:
            document["integrity"] = self.integrity.value
        return document


def lowering_from_json(document: Mapping[str, Any]) -> Lowering:
    """Return the lowering that `Lowering.to_json` wrote. Raises `KeyError` or `ValueError` for anything else."""
    level, left, integrity = (document.get(name) for name in ("confidentiality", "categories", "integrity"))
    return Lowering(
        None if level is None else Confidentiality[level],
        None if left is None else frozenset(map(Category, left)),
        None if integrity is None else Integrity(integrity),
    )


@dataclass(frozen=True, slots=True)
class Declassification:
    """One person's word that a place's values may be held under a lower label, in one session.

    *was* is the strictest label that it was given for. A label that is stricter in anything is not lowered: whoever
    gave it was cleared for what they were shown, and for no more.
    """

    place: FieldPlace
    to: Lowering
    was: Label
    reason: str = field(repr=False)
    by: str
    at: float

    def lowered(self, label: Label) -> Label:
        """Return what is left of the *label* of a field that the place covers."""
        return self.to.apply(label) if label.flows(self.was) else label

    def to_json(self) -> dict[str, Any]:
        """Return the declassification as a JSON object."""
        return {
            "place": str(self.place),
            "to": self.to.to_json(),
            "was": self.was.to_json(),
            "reason": self.reason,
            "by": self.by,
            "at": self.at,
        }


def declassification_from_json(document: Mapping[str, Any]) -> Declassification:
    """Return the declassification that `Declassification.to_json` wrote."""
    return Declassification(
        field_place(document["place"]),
        lowering_from_json(document["to"]),
        label_from_json(document["was"]),
        document["reason"],
        document["by"],
        document["at"],
    )
