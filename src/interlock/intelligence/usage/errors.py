"""Errors of usage.

InterlockError
 +-- UsageQueryInvalid      usage is asked for by something it is not counted by, or for moments that are none
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class UsageQueryInvalid(InterlockError):
    """Usage is asked for by something it is not counted by, or between moments that are none."""

    code = "usage_query_invalid"
    status = 422
    title = "Usage cannot be asked for like this"
