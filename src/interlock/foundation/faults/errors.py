"""Errors of fault points.

InterlockError
 +-- FaultUnknown     the environment names a fault point that does not exist
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class FaultUnknown(InterlockError):
    """The environment names a fault point that does not exist."""

    code = "fault_unknown"
    status = 500
    title = "No such fault point"
