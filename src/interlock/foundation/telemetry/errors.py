"""Errors of telemetry.

InterlockError
 +-- TelemetryUnavailable     traces are asked for, and the packages for it are not installed
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class TelemetryUnavailable(InterlockError):
    """Traces are asked for, and the packages for it are not installed."""

    code = "telemetry_unavailable"
    status = 500
    title = "Traces cannot be sent"
