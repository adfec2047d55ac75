"""Errors of settings.

InterlockError
 +-- QuantityInvalid     a duration, size or rate is not written as one
 +-- SettingInvalid      an environment setting of the process has an impossible value
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class QuantityInvalid(InterlockError, ValueError):
    """A duration, size or rate is not written as one."""

    code = "quantity_invalid"
    status = 422
    title = "Not a quantity"


class SettingInvalid(InterlockError):
    """An environment setting of the process has an impossible value."""

    code = "setting_invalid"
    status = 500
    title = "An environment setting is not valid"
