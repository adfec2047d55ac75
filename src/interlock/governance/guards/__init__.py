"""Guards of text: personal data and secrets put out of sight, phrases that may not be said, shapes of answers."""

from __future__ import annotations

from interlock.governance.guards.canary import Canary
from interlock.governance.guards.citations import Passages
from interlock.governance.guards.detector import KINDS, Detector, Found, Patterns
from interlock.governance.guards.phrases import Listening, Phrases, PhraseSaid
from interlock.governance.guards.shape import Shape
from interlock.governance.guards.vault import Restoring, Vault

__all__ = [
    "KINDS",
    "Canary",
    "Detector",
    "Found",
    "Listening",
    "Passages",
    "Patterns",
    "PhraseSaid",
    "Phrases",
    "Restoring",
    "Shape",
    "Vault",
]
