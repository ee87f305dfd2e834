"""Cards that say how a figure changed since the days before, and how it went: all of it from one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from armazem.serve.dashboard.cards import Figure
from armazem.serve.dashboard.formats import Format, Number
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.periods import covered, is_partial
from armazem.serve.dashboard.queries import Query, orders, sales
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

Record = Mapping[str, Any]
Values = Sequence[Number | None]

_PLACED = {"orders": "placed", "sales": "order_purchase_timestamp"}
PARTS = (
    "case when not is_now then 'before' when grouping(period) = 1 then 'whole' else 'period' end as part, "
    "case when grouping(period) = 0 then period end as period"
)
"""The columns that tell `parted` rows apart."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What was summed: over the whole view, over the days before it, over each of its periods."""

    whole: Record
    before: Record
    periods: Sequence[Record]

    @classmethod
    def of(cls, rows: Rows, nothing: Record) -> Parts:
        """Of the rows of a `parted` query; `nothing` stands for a part without rows."""
        found: dict[str, list[Record]] = {"whole": [], "before": [], "period": []}
        for record in records(rows):
            found[record["part"]].append(record)
        whole, before = ((found[part] or [nothing])[0] for part in ("whole", "before"))
        return cls(whole, before, found["period"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the figures of a view are compared with, in words; `before` is None where that cannot be, and the words say
    why.
    """

    before: View | None
    note: str


def comparison(view: View) -> Comparison:
    """Of equal lengths, and only with days that the data cover: else what is not there would be taken for a fall."""
    form = view.format
    now = view.as_covered()
    if now is None:
        return Comparison(None, f"no data for {form.dates(view.start, view.end)}")
    before = now.before()
    if before is None or before.start is None:
        return Comparison(None, "")
    if now.data:
        if before.start < now.data.first:
            missing = min(before.end or before.start, now.data.first - timedelta(days=1))
            return Comparison(None, f"no data for {form.dates(before.start, missing)}")
        if now.start == now.end == now.data.today:
            return Comparison(None, "today is not over")
    running = " (today is not over)" if now.data and now.end and now.end >= now.data.today else ""
    if now.is_month_to_date and before.start.day == 1 and before.days == now.days:
        return Comparison(before, f"vs. same days of {form.period(before.start, 'month')}{running}")
    return Comparison(before, f"vs. {form.number(now.days)} day{'' if now.days == 1 else 's'} before{running}")


def before_too(view: View) -> tuple[View, str, str, tuple[Any, ...]]:
    """The view with the days to compare with, the condition of a time `placed` that is in the view itself, that of one
    which is in either, and the parameters of both, in this order.
    """
    before = comparison(view).before
    if before is None or before.end is None or view.start is None:
        return view, "true", "true", ()
    wide, now = replace(view, start=before.start), "placed >= cast(? as date)"
    if before.end + timedelta(days=1) == view.start:
        return wide, now, "true", (view.start,)
    return wide, now, "(is_now or placed < cast(? as date) + 1)", (view.start, before.end)


def parted(view: View, of: str, sums: str) -> Query:
    """`sums` over `orders` or `sales`, as `of` says: of the view, of the days before it, of each of its periods.

    In one pass: each of them alone would take as long. Columns: part (whole, before, period), period (its first day),
    and those of `sums`.
    """
    wide, now, either, parameters = before_too(view)
    placed = _PLACED[of]
    select = (
        f", parted as (select *, {now.replace('placed', placed)} as is_now from {of}) "
        f"select {PARTS}, {sums} from parted where {either.replace('placed', placed)} "
        "group by grouping sets ((is_now), (is_now, period)) having is_now or grouping(period) = 1 order by all"
    )
    return orders(wide, select, *parameters) if of == "orders" else sales(wide, select, *parameters, category=False)


def periods(rows: Rows) -> Rows:
    """Those of the periods alone, of the rows of a `parted` query."""
    part = rows.columns.index("part")
    kept = tuple(row[:part] + row[part + 1 :] for row in rows.rows if row[part] == "period")
    return Rows(rows.columns[:part] + rows.columns[part + 1 :], kept)


def compared(
    view: View,
    parts: Parts,
    nothing: Record,
    measures: Callable[[Record], Values],
    write: Sequence[Callable[[Number | None], str]],
) -> list[Figure]:
    """One figure a value. `measures`: the values of a part; `write`: each in words; `nothing`: an empty part.

    A share changes in percentage points: of 2 % that become 3 %, "+50 %" would be read as 52 %.
    """
    against = comparison(view)
    now, before = measures(parts.whole), measures(parts.before)
    found = {record["period"]: record for record in parts.periods}
    axis = covered(view, found)
    course = [measures(found.get(period, nothing)) for period in axis]
    cut = [is_partial(view, period, view.grain) for period in axis]
    figures = []
    for at, (new, old) in enumerate(zip(now, before, strict=True)):
        share = getattr(write[at], "__func__", None) is Format.percent
        change, note = None, against.note
        if against.before is not None:
            change, note = _change(new, old, share=share), against.note
            if change is None:
                note = f"none {note.removeprefix('vs. ')}" if new else ""
        line = [None if values[at] is None else float(cast(Number, values[at])) for values in course]
        figures.append(Figure(write[at](new), change, line, note, points=share, cut=cut))
    return figures


def _change(new: Number | None, old: Number | None, *, share: bool) -> float | None:
    if new is None or old is None:
        return None
    if share:
        return float(new) - float(old)
    return float(new) / float(old) - 1 if old else None
