"""What a session has seen and heard, and where the arguments of a proposed action came from."""

from __future__ import annotations

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

__all__ = [
    "Background",
    "Echoes",
    "FieldLabels",
    "Mask",
    "Masks",
    "Memory",
    "MemoryLimits",
    "flow_of",
    "is_masked",
    "joined",
    "mask_arguments",
    "masked",
    "masked_places",
]
