"""Events: what systems send to the house, taken once and kept."""

from __future__ import annotations

from interlock.integration.events.errors import EventDiffers
from interlock.integration.events.event import Event
from interlock.integration.events.inbox import Follow, Inbox

__all__ = ["Event", "EventDiffers", "Follow", "Inbox"]
