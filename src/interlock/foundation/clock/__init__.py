"""Time as a port, so that tests can set it, and the one way that moments are written (RFC 3339, UTC)."""

from __future__ import annotations

from interlock.foundation.clock.clock import Clock, SystemClock
from interlock.foundation.clock.moments import parse_rfc3339, rfc3339

__all__ = ["Clock", "SystemClock", "parse_rfc3339", "rfc3339"]
