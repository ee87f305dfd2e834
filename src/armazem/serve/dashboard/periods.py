"""Days, weeks and months of a view: which there are, and which of them are covered in part only. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from armazem.targets.rows import Rows

if TYPE_CHECKING:
    from armazem.serve.dashboard.view import View

GRAINS = ("day", "week", "month")
_DAY = timedelta(days=1)
_MOST = 4000  # periods on an axis: eleven years of days
PARTIAL = "partial"
"""Column that says so, in rows and in downloads."""


@dataclass(frozen=True, slots=True)
class Span:
    """What the data cover: from the day of the first valid sale to that of the last. `today`: in business time."""

    first: date
    last: date
    today: date = date.max

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def start_of(day: date, grain: str) -> date:
    """The first day of the period that a day is in; weeks begin on Monday."""
    if grain == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if grain == "week" else day


def end_of(start: date, grain: str) -> date:
    """The last day of a period, of its first."""
    if grain == "month":
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY
    return start + timedelta(days=6) if grain == "week" else start


def months_later(month: date, months: int) -> date:
    """The first day of the month so many months after."""
    years, at = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(years, at + 1, 1)


def starts(first: date, last: date, grain: str) -> list[date]:
    """The first day of every period from that of `first` to that of `last`."""
    found, start = [], start_of(first, grain)
    while start <= last:
        found.append(start)
        start = end_of(start, grain) + _DAY
    return found


def whole(span: Span, grain: str) -> tuple[date, date] | None:
    """First and last day of the whole periods in the data, the running one not among them; None where there is none."""
    first = start_of(span.first, grain)
    if first < span.first:
        first = end_of(first, grain) + _DAY
    last_start = start_of(min(span.last, span.today), grain)
    last = end_of(last_start, grain)
    if last > span.last or last >= span.today:
        last = last_start - _DAY
    return (first, last) if first <= last else None


def is_partial(view: View, start: date, grain: str) -> bool:
    """Whether the dates of the view, the data, or the present day cut the period."""
    end = end_of(start, grain)
    if (view.start and view.start > start) or (view.end and view.end < end):
        return True
    return view.data is not None and _cut(view.data, start, end)


def cut_by_data(view: View, start: date, grain: str) -> bool:
    """The same for what shows whole periods whatever the dates."""
    return view.data is not None and _cut(view.data, start, end_of(start, grain))


def _cut(span: Span, start: date, end: date) -> bool:
    return start < span.first or end > span.last or start <= span.today <= end


def covered(view: View, present: Iterable[date]) -> list[date]:
    """Every period that the axis has: of the dates of the view as far as there are data, and those that are present.

    Empty where none is present: then nothing is drawn.
    """
    found = sorted(set(present))
    if not found:
        return []
    first, last = found[0], found[-1]
    if view.data:
        first = min(first, max(view.start or view.data.first, view.data.first))
        last = max(last, min(view.end or view.data.last, view.data.last))
    if (last - first).days > _MOST * {"day": 1, "week": 7, "month": 31}[view.grain]:
        return found  # a single order of long ago: an axis of all days since would be of no use
    return starts(first, last, view.grain)


def on_axis(view: View, rows: Rows, nothing: Mapping[str, Any], each: Sequence[str] = ()) -> Rows:
    """The rows with one for every period, and the column `partial`.

    `nothing`: what a period without any row holds (0 of a sum, None of an average). `each`: columns that tell the rows
    of one period apart; each of their values has a row in every period.
    """
    at = rows.columns.index("period")
    keys = [rows.columns.index(name) for name in each]
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    there: dict[tuple[date, tuple[Any, ...]], tuple[Any, ...]] = {}
    for row in rows.rows:
        key = tuple(row[key] for key in keys)
        known.setdefault(key, row)
        there[row[at], key] = row
    found = []
    for period in covered(view, (row[at] for row in rows.rows)):
        cut = is_partial(view, period, view.grain)
        for key, like in known.items():
            row = there.get((period, key)) or tuple(
                period if name == "period" else nothing.get(name, value)
                for name, value in zip(rows.columns, like, strict=True)
            )
            found.append((*row, cut))
    return Rows((*rows.columns, PARTIAL), tuple(found))


def axis_of(nothing: Mapping[str, Any], each: Sequence[str] = ()) -> Callable[[View, Rows], Rows]:
    """`on_axis` as a chart panel takes it."""
    return lambda view, rows: on_axis(view, rows, nothing, each)


PARTIAL_NOTE = " Lighter: of that period only a part is known or shown."


def note_of(found: Sequence[Mapping[str, Any]]) -> str:
    """What to say below a chart that has such a period."""
    return PARTIAL_NOTE if any(row.get(PARTIAL) for row in found) else ""


def named(view: View, start: date, grain: str, *, partial: bool) -> str:
    """A period in a tooltip: which days of it are there, where not all are."""
    name = view.format.period(start, grain)
    if not partial:
        return name
    first, last = max(start, view.start or start), min(end_of(start, grain), view.end or date.max)
    if view.data:
        first, last = max(first, view.data.first), min(last, view.data.last)
    days = f", {view.format.date(first)} to {view.format.date(last)}" if grain != "day" and first <= last else ""
    return f"{name} (partial{days})"
