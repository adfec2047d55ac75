"""What an installation is told: quantities, the settings of a project, and the environment it starts in."""

from __future__ import annotations

from interlock.foundation.settings.environment import SETTINGS, Setting, setting
from interlock.foundation.settings.identity import Issuer
from interlock.foundation.settings.project import ProjectSettings, project_settings
from interlock.foundation.settings.quantities import duration, rate, size

__all__ = [
    "SETTINGS",
    "Issuer",
    "ProjectSettings",
    "Setting",
    "duration",
    "project_settings",
    "rate",
    "setting",
    "size",
]
