"""What a session has seen and heard, and where the arguments of a proposed action came from."""

from __future__ import annotations

from interlock.governance.labels.fields import FieldTrust
from interlock.governance.labels.memory import Memory, MemoryLimits

__all__ = ["FieldTrust", "Memory", "MemoryLimits"]
