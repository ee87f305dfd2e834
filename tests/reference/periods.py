"""Calendar periods: the first day of one, and the list of all between two."""

from __future__ import annotations

from datetime import date, timedelta


def start(grain: str, day: date) -> date | None:
    if grain == "all":
        return None
    return beginning(grain, day)


def beginning(grain: str, day: date) -> date:
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "year":
        return date(day.year, 1, 1)
    raise ValueError(grain)


def following(grain: str, first_day: date) -> date:
    """The first day of the next period; 7 and 32 days on are never in the one after it."""
    ahead = {"day": 1, "week": 7, "month": 32, "year": 366}[grain]
    return beginning(grain, first_day + timedelta(days=ahead))


def span(grain: str, first: date, last: date) -> list[date]:
    """Every period from the one of `first` to the one of `last`."""
    found = [beginning(grain, first)]
    while found[-1] < beginning(grain, last):
        found.append(following(grain, found[-1]))
    return found
