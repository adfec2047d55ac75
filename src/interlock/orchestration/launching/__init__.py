"""Launching: what triggers start, each piece once, and what became of its start."""

from __future__ import annotations

from interlock.orchestration.launching.launcher import Launcher
from interlock.orchestration.launching.run import RunState, TriggerRun

__all__ = ["Launcher", "RunState", "TriggerRun"]
