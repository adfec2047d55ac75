"""Errors of limits.

InterlockError
 +-- SwitchInvalid     a kill switch does not say clearly what it switches off
 +-- SwitchNotSet      a switch is to be cleared that is not set
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class SwitchInvalid(InterlockError):
    """A kill switch does not say clearly what it switches off, or why."""

    code = "switch_invalid"
    status = 422
    title = "Not a kill switch"


class SwitchNotSet(InterlockError):
    """A switch is to be cleared that is not set."""

    code = "switch_not_set"
    status = 404
    title = "The switch is not set"
