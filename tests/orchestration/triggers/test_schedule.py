"""A schedule is due when cron says, in its own time zone, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.orchestration.triggers import ScheduleInvalid, schedule_of

OSLO = "Europe/Oslo"


def stamp(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("text", "until", "due"),
    [
        ("* * * * *", "2026-03-02T10:07:31", "2026-03-02T10:07:00"),
        ("30 6 * * *", "2026-03-02T06:29:59", "2026-03-01T06:30:00"),
        ("30 6 * * *", "2026-03-02T06:30:00", "2026-03-02T06:30:00"),
        ("*/15 8-17 * * mon-fri", "2026-03-01T12:00:00", "2026-02-27T17:45:00"),
        ("0 0 1 jan *", "2026-12-31T23:00:00", "2026-01-01T00:00:00"),
        ("0 0 29 2 *", "2026-12-31T23:00:00", "2024-02-29T00:00:00"),
        ("5,10 4 * * 7", "2026-03-02T12:00:00", "2026-03-01T04:10:00"),
        ("0 12 13 * 5", "2026-03-12T00:00:00", "2026-03-06T12:00:00"),  # the thirteenth, or a Friday
        ("10-20/5 * * * *", "2026-03-02T10:19:00", "2026-03-02T10:15:00"),
        ("40/10 * * * *", "2026-03-02T10:39:00", "2026-03-02T09:50:00"),
    ],
)
def test_the_last_moment_is_found(text: str, until: str, due: str) -> None:
    found = schedule_of(text).latest(0.0, stamp(until))
    assert found == stamp(due)
    assert schedule_of(text).latest(stamp(due), stamp(until)) is None


def test_local_time_counts() -> None:
    daily = schedule_of("30 6 * * *", OSLO)
    assert daily.latest(0, stamp("2026-01-15T12:00:00")) == stamp("2026-01-15T06:30:00", OSLO)
    assert daily.latest(0, stamp("2026-07-15T12:00:00")) == stamp("2026-07-15T06:30:00", OSLO)


def test_a_time_that_is_left_out_is_not_due_and_one_that_comes_twice_is_due_once() -> None:
    at_half_past_two = schedule_of("30 2 * * *", OSLO)
    gap = at_half_past_two.latest(stamp("2026-03-29T00:00:00"), stamp("2026-03-29T23:00:00"))
    assert gap is None
    start, end = stamp("2026-10-25T00:00:00"), stamp("2026-10-25T23:00:00")
    found = at_half_past_two.latest(start - 7200, end)
    assert found == stamp("2026-10-25T00:30:00")
    assert at_half_past_two.latest(found, end) is None


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        ["*/7 * * * *", "3 */5 * * *", "0 9 * * mon,wed", "15 10 1,15 * *", "59 23 28-31 * *", "0 2 * * *"]
    ),
    st.sampled_from(["UTC", OSLO, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(min_value=1_735_689_600, max_value=1_798_761_600),
)
def test_no_moment_is_found_that_is_not_due_and_none_is_passed_over(text: str, zone: str, until: int) -> None:
    schedule = schedule_of(text, zone)
    after = until - 3 * 86400
    found = schedule.latest(after, until)
    moment = datetime.fromtimestamp(until, UTC).replace(second=0, microsecond=0)
    while moment.timestamp() > after:
        local = moment.astimezone(ZoneInfo(zone))
        day = local.day in schedule.days and local.isoweekday() % 7 in schedule.weekdays
        if day and local.hour in schedule.hours and local.minute in schedule.minutes and not local.fold:
            break
        moment -= timedelta(minutes=1)
    else:
        assert found is None
        return
    assert found == moment.timestamp()


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *",
     "a * * * *", "1, * * * *", "* * 31 feb *", "@daily", "1- * * * *", "*/x * * * *", "٣ * * * *", "1/ * * * *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleInvalid):
        schedule_of(text)


def test_a_time_zone_must_exist() -> None:
    for zone in ("Europe/Nowhere", "", "../etc/passwd"):
        with pytest.raises(ScheduleInvalid):
            schedule_of("* * * * *", zone)
