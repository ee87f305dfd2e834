"""When a build is due, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armazem.unattended.schedule import Schedule, ScheduleError, duration

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
AT_23 = Schedule.of("", "23:00", SAO_PAULO)
NEW_YORK = Schedule.of("", "02:30", ZoneInfo("America/New_York"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172_800), (" 10 S ", 10)],
)
def test_durations(text: str, expected: float) -> None:
    assert duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "0s", "0.5s", "5mx", "1h 5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ScheduleError, match="is no duration"):
        duration(text)


@pytest.mark.parametrize("text", ["24:00", "23", "23:60", "eleven", "23:00:00"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ScheduleError, match="is no time of day"):
        Schedule.of("", text, SAO_PAULO)


def test_one_or_the_other() -> None:
    assert Schedule.of("", "", SAO_PAULO) is None
    with pytest.raises(ScheduleError, match="exclude each other"):
        Schedule.of("5m", "23:00", SAO_PAULO)


def test_so_long_after_the_last_began() -> None:
    every = Schedule.of("5m", "", SAO_PAULO)
    assert every is not None
    now = utc("2026-03-01T12:00:00")
    assert every.due(now, None) == now
    assert every.due(now, now - timedelta(minutes=2)) == now + timedelta(minutes=3)
    # The clock was put back, by an hour or by a year: nothing is waited for.
    assert every.due(now, now + timedelta(hours=1)) == every.due(now, now + timedelta(days=365)) == now
    assert AT_23 is not None
    assert AT_23.due(now, now + timedelta(days=365)) == now


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        # 23:00 in São Paulo is 02:00 of the next day in UTC.
        ("2026-03-02T01:59:59", "2026-03-01T02:00:00", "2026-03-02T02:00:00"),
        ("2026-03-02T02:00:00", "2026-03-01T02:00:00", "2026-03-02T02:00:00"),
        ("2026-03-02T02:00:01", "2026-03-02T02:00:00", "2026-03-03T02:00:00"),
        # The machine was off at 23:00, for three days: once, now.
        ("2026-03-05T12:00:00", "2026-03-01T02:00:00", "2026-03-05T02:00:00"),
        # The clock jumped over 23:00, forward; and back, after the build.
        ("2026-03-02T03:30:00", "2026-03-02T01:30:00", "2026-03-02T02:00:00"),
        ("2026-03-02T01:30:00", "2026-03-02T02:00:05", "2026-03-02T02:00:00"),
    ],
)
def test_at_a_time_of_day(now: str, last: str, due: str) -> None:
    assert AT_23 is not None
    assert AT_23.due(utc(now), utc(last)) == utc(due)


def test_a_time_that_the_clocks_leave_out_and_one_that_comes_twice() -> None:
    """On 2026-03-08 there is no 02:30 in New York, on 2026-11-01 no second 02:30 but two 01:30."""
    assert NEW_YORK is not None
    assert NEW_YORK.due(utc("2026-03-08T12:00:00"), utc("2026-03-07T12:00:00")) == utc("2026-03-08T07:30:00")
    twice = Schedule.of("", "01:30", ZoneInfo("America/New_York"))
    assert twice is not None
    first = utc("2026-11-01T05:30:00")
    assert twice.due(utc("2026-11-01T05:45:00"), utc("2026-10-31T12:00:00")) == first
    assert twice.due(utc("2026-11-01T06:45:00"), first) == utc("2026-11-02T06:30:00")


@given(
    steps=st.lists(st.integers(-7200, 90_000), min_size=1, max_size=60),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
)
def test_however_the_clock_jumps_a_day_is_built_once(steps: list[int], start: datetime) -> None:
    """A clock that jumps, forward or a little back: each 23:00 that it passes is built at most once, and the newest of
    them is built.
    """
    assert AT_23 is not None
    now = start.replace(tzinfo=UTC)
    last, built = now, []
    for step in steps:
        now += timedelta(seconds=step)
        due = AT_23.due(now, last)
        if due <= now:
            built.append(due)
            last = now
        newest = AT_23.due(now, now - timedelta(days=2))
        assert newest <= now < newest + timedelta(hours=25)
        assert last >= newest
    assert len(built) == len(set(built))
