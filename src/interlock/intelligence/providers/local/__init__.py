"""The `local` provider: a model from a file, run inside this process."""

from __future__ import annotations

from interlock.intelligence.providers.local.plugin import LocalPlugin

plugin = LocalPlugin()

__all__ = ["plugin"]
