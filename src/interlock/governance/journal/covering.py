"""Hiding the values of a record from readers who are not cleared for its label; what is stored is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.governance.labels import masked
from interlock.values.clearances import Clearance
from interlock.values.labels import PUBLIC, Label, label_from_json

LABEL = "label"
"""The member of a record's body that holds the joined label of its values."""

UNLABELLED = frozenset({"reasons", "words", "comment"})
"""Fields that hold what policies and people said, which carries no label."""


def label_of(body: Mapping[str, Any]) -> Label | None:
    """Return the label of a record's values; None where it was recorded without one."""
    return label_from_json(body[LABEL]) if LABEL in body else None


def cover(name: str, value: Any, label: Label | None, clearance: Clearance) -> Any:
    """Return the field *name* of a record with *label* as the holder of *clearance* may see it: all of it, or words."""
    if name in UNLABELLED or clearance.admits(label or PUBLIC):
        return value
    return masked(label or PUBLIC)


def cover_all(fields: dict[str, Any], body: Mapping[str, Any], clearance: Clearance) -> dict[str, Any]:
    """Return a record's fields as the holder of *clearance* may see them, knowing no more than the record says."""
    label = label_of(body)
    return {name: cover(name, value, label, clearance) for name, value in fields.items()}
