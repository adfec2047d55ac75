"""How much of a call was spent waiting for others, so that what the layer itself cost can be told."""

from __future__ import annotations

from contextvars import ContextVar


class Meter:
    """Adds up, for one call, the milliseconds that business systems and models took."""

    __slots__ = ("waited",)

    def __init__(self) -> None:
        self.waited = 0.0


_METER: ContextVar[Meter | None] = ContextVar("interlock_meter", default=None)


def begin_meter() -> Meter:
    """Start measuring the call that the current task answers; tasks it starts count in."""
    meter = Meter()
    _METER.set(meter)
    return meter


def waited(milliseconds: float) -> None:
    """Count time that was spent waiting for somebody else; does nothing where nobody measures."""
    meter = _METER.get()
    if meter is not None:
        meter.waited += milliseconds
