"""The one door to models: every call metered, recorded, kept and degraded as its route declares."""

from __future__ import annotations

from interlock.orchestration.models.models import Models

__all__ = ["Models"]
