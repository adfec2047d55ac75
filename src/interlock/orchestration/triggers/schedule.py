"""Moments that come again, written as cron has them (POSIX crontab): minute, hour, day, month, weekday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from interlock.orchestration.triggers.errors import ScheduleInvalid

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}
_NAMES: dict[str, dict[str, int]] = {"month": _MONTHS, "weekday": _DAYS}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due, in a time zone. A local time that a change of clocks leaves out is not due that day; one
    that it repeats is due once.
    """

    text: str
    zone: tzinfo
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Whether both day and weekday are restricted, of which cron wants any one to fit."""

    def latest(self, after: float, until: float) -> float | None:
        """Return the last moment (Unix time) that was due in `(after, until]`, None where none was."""
        moment = datetime.fromtimestamp(until, UTC).replace(second=0, microsecond=0)
        while (stamp := moment.timestamp()) > after:
            local = moment.astimezone(self.zone)
            if not self._day(local):
                # Back to the last minute of the day before; by the clock of UTC, so that no change of clocks matters.
                moment -= timedelta(hours=local.hour, minutes=local.minute + 1)
                continue
            if local.hour in self.hours and local.minute in self.minutes and not local.fold:
                return stamp
            moment -= timedelta(minutes=1)
        return None

    def _day(self, local: datetime) -> bool:
        if local.month not in self.months:
            return False
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return day or weekday if self.either_day else day and weekday


def schedule_of(text: str, zone: str = "UTC") -> Schedule:
    """Return the schedule written as *text* in the time zone *zone* (IANA). Raises `ScheduleInvalid`."""
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        raise _invalid(text, "it has not the five parts minute, hour, day, month and weekday")
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid(zone, "there is no such time zone") from None
    values = [_values(text, part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in values[4])
    either = parts[2][0] != "*" and parts[4][0] != "*"
    made = Schedule(text, place, values[0], values[1], values[2], values[3], weekdays, either)
    now = 1_700_000_000.0  # any moment: a day that no month has comes in none of the years before it
    if made.latest(now - 9 * 366 * 86400, now) is None:
        raise _invalid(text, "there is no such day")
    return made


def _values(text: str, part: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            first, last = least, most
        else:
            first = _number(text, low, name)
            last = _number(text, high, name) if dash else most if step else first
        stride = int(step) if step.isascii() and step.isdigit() else 0 if "/" in piece else 1
        if not (least <= first <= last <= most) or not 1 <= stride <= most:
            raise _invalid(text, f"{piece!r} is no {name} from {least} to {most}")
        found.update(range(first, last + 1, stride))
    return frozenset(found)


def _number(text: str, word: str, name: str) -> int:
    named = _NAMES.get(name, {}).get(word)
    if named is not None:
        return named
    if not word.isascii() or not word.isdigit() or len(word) > 2:
        raise _invalid(text, f"{word!r} is no {name}")
    return int(word)


def _invalid(text: str, why: str) -> ScheduleInvalid:
    return ScheduleInvalid(
        f"{text!r} is no schedule", why=why, fix='write five parts, such as "30 6 * * mon-fri", and a zone'
    )
