"""Errors of events.

InterlockError
 +-- EventDiffers    another event came under an id that was taken before
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class EventDiffers(InterlockError):
    """A system sent something else under the id of an event that was taken before."""

    code = "event_differs"
    status = 409
    title = "Another event has this id"
