"""What a session has seen and heard, and where the arguments of a proposed action came from."""

from __future__ import annotations

from interlock.governance.labels.book import NO_BOOK, AddressBook
from interlock.governance.labels.declassifications import (
    Declassification,
    FieldPlace,
    Lowering,
    declassification_from_json,
    field_place,
    lowering_from_json,
)
from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.flow import Background, flow_of
from interlock.governance.labels.masking import (
    Echoes,
    Mask,
    Masks,
    is_masked,
    joined,
    mask_arguments,
    masked,
    masked_places,
)
from interlock.governance.labels.memory import Memory, MemoryLimits
from interlock.governance.labels.places import Held
from interlock.governance.labels.steered import is_steered

__all__ = [
    "NO_BOOK",
    "AddressBook",
    "Background",
    "Declassification",
    "Echoes",
    "FieldLabels",
    "FieldPlace",
    "Held",
    "Lowering",
    "Mask",
    "Masks",
    "Memory",
    "MemoryLimits",
    "declassification_from_json",
    "field_place",
    "flow_of",
    "is_masked",
    "is_steered",
    "joined",
    "lowering_from_json",
    "mask_arguments",
    "masked",
    "masked_places",
]
