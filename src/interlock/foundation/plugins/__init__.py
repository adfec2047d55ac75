"""Plug-ins by entry point: finding one does not load it, and ours register exactly as a stranger's would."""

from __future__ import annotations

from interlock.foundation.plugins.plugins import CONNECTORS, PROVIDERS, load_plugin, plugins

__all__ = ["CONNECTORS", "PROVIDERS", "load_plugin", "plugins"]
