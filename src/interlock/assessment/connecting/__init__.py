"""Connecting a system: from what was found when it was looked at, a declaration for somebody to review."""

from __future__ import annotations

from interlock.assessment.connecting.fronting import FacadeDraft, front
from interlock.assessment.connecting.picking import picked
from interlock.assessment.connecting.proposal import LeftOut, Proposal, propose

__all__ = ["FacadeDraft", "LeftOut", "Proposal", "front", "picked", "propose"]
