"""Errors of importing another gateway's configuration."""

from __future__ import annotations

from interlock.values.errors import InterlockError


class ConfigUnreadable(InterlockError):
    """The file is not a LiteLLM configuration."""

    code = "config_unreadable"
    status = 422
    title = "Not a LiteLLM configuration"
