"""What a session has seen and heard, and where the arguments of a proposed action came from."""

from __future__ import annotations

from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.flow import flow_of
from interlock.governance.labels.memory import Memory, MemoryLimits

__all__ = ["FieldLabels", "Memory", "MemoryLimits", "flow_of"]
