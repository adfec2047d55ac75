"""Errors of plug-ins.

InterlockError
 +-- PluginMissing      no installed package offers a plug-in of that name
 +-- PluginConflict     two packages offer different plug-ins under one name
 +-- PluginBroken       the plug-in's package is there but cannot be loaded
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class PluginMissing(InterlockError):
    """No installed package offers a plug-in of that name."""

    code = "plugin_missing"
    status = 422
    title = "No such plug-in"


class PluginConflict(InterlockError):
    """Two installed packages offer different plug-ins under one name."""

    code = "plugin_conflict"
    status = 500
    title = "Two plug-ins have one name"


class PluginBroken(InterlockError):
    """The plug-in is installed but cannot be loaded, most often for want of an optional package."""

    code = "plugin_broken"
    status = 500
    title = "A plug-in cannot be loaded"
