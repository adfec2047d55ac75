"""An event as the house keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.clock.moments import rfc3339


@dataclass(frozen=True, slots=True)
class Event:
    """Something that *system* sent. *id* is ours, *key* the system's own; *digest* is that of the data, *received*
    Unix time. The other members are as in CloudEvents 1.0.
    """

    id: str
    system: str
    key: str
    type: str
    subject: str
    time: str
    received: float
    digest: str
    data: Any = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the event as operations show it."""
        return {
            "id": self.id,
            "key": self.key,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "received": rfc3339(self.received),
            "data": self.data,
        }
