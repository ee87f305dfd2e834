"""A report: which day it is of, its figures, and where the warehouse stands; all of it of one published version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from armazem.config import Settings
from armazem.errors import ReportError
from armazem.report.figures import DayOfCourse, Days, Measure, figures, span
from armazem.report.standing import Standing, standing
from armazem.report.tops import Tops, tops
from armazem.targets.base import Target
from armazem.targets.registry import target_of

_ATTEMPTS = 3
_DAY = timedelta(days=1)
FIRST_DAY = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Report:
    """`place`: where the warehouse is. `made_at`: UTC. Days are days of business time, in `time_zone`.

    `note`: why the day is not yesterday, or what is to be known of it; empty where there is nothing to say.
    """

    made_at: datetime
    target: str
    place: str
    time_zone: str
    day: date
    week_before: date
    year_before: date
    first_day: date | None
    last_day: date | None
    note: str
    measures: tuple[Measure, ...]
    course: tuple[DayOfCourse, ...]
    tops: Tops
    standing: Standing


def today_of(settings: Settings, now: datetime) -> date:
    """Return the day that it is in business time."""
    return now.astimezone(ZoneInfo(settings.time_zone)).date()


def report_of(
    settings: Settings, *, day: date | None = None, since: date | None = None, now: datetime | None = None
) -> Report:
    """Return the report of a day, by default yesterday, or the last day with a valid sale where that was before.

    `since`: loads, rejects and dead letters are those from this day on, by default from the day of the report on.
    `now`: with its zone. Raises ReportError where nothing is published or the day lies in the future, and what the
    target raises.
    """
    now = now or datetime.now(UTC)
    today = today_of(settings, now)
    if day is not None and not FIRST_DAY <= day <= today:
        raise ReportError(f"there is no report of {day}", f"name a day from {FIRST_DAY} to today, {today}")
    target = target_of(settings)
    with target.errors("the report"):
        for _ in range(_ATTEMPTS):
            report = _report(target, day, since, now, today)
            if target.current_build() == report.standing.published:
                break  # nothing was published meanwhile: all of it is of one version
    return report


def _report(target: Target, day: date | None, since: date | None, now: datetime, today: date) -> Report:
    contents = target.contents()
    if contents.build is None:
        raise ReportError(
            f"nothing is published in {target.place} yet", "run `armazem load PATH` and `armazem build` first"
        )
    first, last = span(target)
    days = Days(day or min(today - _DAY, last or today), first, last)
    measures, course = figures(target, days)
    revenue = next(measure.value for measure in measures if measure.name == "revenue")
    zone = ZoneInfo(target.settings.time_zone)
    return Report(
        now,
        target.name,
        target.place,
        target.settings.time_zone,
        days.day,
        days.week_before,
        days.year_before,
        first,
        last,
        _note(days, asked=day is not None, today=today),
        measures,
        course,
        tops(target, days, Decimal(revenue or 0)),
        standing(target, contents, datetime.combine(since or days.day, time(), zone).astimezone(UTC)),
    )


def _note(days: Days, *, asked: bool, today: date) -> str:
    day, first, last = days.day, days.first, days.last
    if first is None or last is None:
        return "The published tables have no valid sale yet."
    if day == today:
        return "The day is not over."
    if day > last:
        return f"The published tables end on {last}: there is no sale of this day."
    if day < first:
        return f"The published tables begin on {first}: there is no sale of this day."
    if not asked and day < today - _DAY:
        return f"Yesterday, {today - _DAY}, lies beyond the published tables: this is the last day with a sale."
    return ""
