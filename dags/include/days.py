"""Which business day a run is for. Not `ds`, which is the day in UTC: 23:00 in São Paulo is tomorrow there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk.exceptions import AirflowFailException

from include.settings import TIME_ZONE

ZONE = ZoneInfo(TIME_ZONE)
CLOSING = time(23)  # when a day's extract is made
LONGEST = 366


def business_day(dag_run: Any) -> str:
    """Return the day of a run, such as 2018-08-29: its parameter `day`, else that of its logical date in business time.

    Raises AirflowFailException, so that nobody tries again, for what is no day and for one that lies ahead.
    """
    told = (dag_run.conf or {}).get("day")
    return str(_day(told) if told else _past(_moment(dag_run).date()))


def days_between(start: str, end: str) -> list[str]:
    """Return the days of a range, both ends with it. Raises AirflowFailException as `business_day` does."""
    first, last = _day(start), _day(end)
    count = (last - first).days + 1
    if not 1 <= count <= LONGEST:
        raise AirflowFailException(f"{first} to {last} is no range of 1 to {LONGEST} days")
    return [str(first + timedelta(number)) for number in range(count)]


def as_of(dag_run: Any, day: str | None = None) -> str:
    """Return how old the extract of a run's day is: the end of the day, or when the run was due, if that was earlier.

    It is the same at every try, so that files which a try before loaded are known again.
    """
    closing = datetime.combine(date.fromisoformat(day or business_day(dag_run)), CLOSING, ZONE)
    return min(closing, dag_run.run_after.astimezone(ZONE)).isoformat()


def _moment(dag_run: Any) -> datetime:
    return (dag_run.logical_date or dag_run.run_after).astimezone(ZONE)


def _day(text: object) -> date:
    try:
        return _past(date.fromisoformat(str(text)))
    except ValueError:
        raise AirflowFailException(f"{text!r} is no day; write it as 2018-08-29") from None


def _past(day: date) -> date:
    if day > datetime.now(ZONE).date():
        raise AirflowFailException(f"{day} lies ahead: there is no extract of the future")
    return day


MACROS = {"business_day": business_day, "as_of": as_of}
DAY = "{{ business_day(dag_run) }}"
