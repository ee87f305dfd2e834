"""When a build is due: so long after the one before, or at a time of day. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from armazem.errors import ArmazemError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
SHORTEST = timedelta(seconds=1)
_AHEAD = timedelta(days=1)


class ScheduleError(ArmazemError):
    """A duration or a time of day that is none."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every`: so long after the last build began; `at`: at this time of each day of `zone`. One of them is set."""

    every: timedelta | None
    at: time | None
    zone: ZoneInfo

    @classmethod
    def of(cls, every: str, at: str, zone: ZoneInfo) -> Schedule | None:
        """Return what the settings say, such as 5m or 23:00; None where both are empty. Raises ScheduleError."""
        if every and at:
            raise ScheduleError("--build-every and --build-at exclude each other", "set one of them")
        if not every and not at:
            return None
        return cls(duration(every) if every else None, time_of_day(at) if at else None, zone)

    def due(self, now: datetime, last: datetime | None) -> datetime:
        """Return when the next build is due, which may be in the past. `last`: when the one before began, UTC.

        At a time of day: its newest occurrence, if no build began since. So a machine that was off at 23:00 builds when
        it is on again, and a clock that is put forward or back over 23:00 makes it build once.
        """
        if last is None or last - now > _AHEAD:
            return now  # a clock that was that far ahead said so
        if self.every is not None:
            return last + self.every if last <= now else now
        assert self.at is not None
        newest = self._occurrence(now, 0)
        return newest if last < newest else self._occurrence(now, 1)

    def _occurrence(self, now: datetime, later: int) -> datetime:
        """The newest occurrence that is not after now, or so many later ones."""
        assert self.at is not None
        day = now.astimezone(self.zone).date()
        # Through UTC: a time that the clocks leave out is the moment at which they are put forward.
        today = datetime.combine(day, self.at, self.zone).astimezone(UTC)
        back = 0 if today <= now else 1
        return datetime.combine(day + timedelta(days=later - back), self.at, self.zone).astimezone(UTC)


def duration(text: str) -> timedelta:
    """Return 90s, 5m, 1h30m as a duration. Raises ScheduleError."""
    parts = _DURATION.findall(text.strip().lower())
    whole = "".join(number + unit for number, unit in parts)
    found = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    if whole != re.sub(r"\s", "", text.lower()) or found < SHORTEST:
        raise ScheduleError(f"{text!r} is no duration", "write it like 30s, 5m or 1h30m, one second at least")
    return found


def time_of_day(text: str) -> time:
    """Return 23:00 as a time of day. Raises ScheduleError."""
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text.strip()):
        raise ScheduleError(f"{text!r} is no time of day", "write it like 23:00")
    hour, minute = text.split(":")
    return time(int(hour), int(minute))
