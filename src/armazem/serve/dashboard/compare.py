"""Cards that say how a figure changed since the days before, and how it went: all of it from one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from armazem.serve.dashboard.cards import Figure
from armazem.serve.dashboard.formats import Number
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.queries import Query, orders, sales
from armazem.serve.dashboard.view import View
from armazem.warehouse.query import Rows

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


def before_too(view: View) -> tuple[View, str, tuple[Any, ...]]:
    """The view with the days before it, and the condition of a time `placed` that is in the view itself."""
    before = view.before()
    if before is None:
        return view, "true", ()
    return replace(view, start=before.start), "placed >= cast(? as date)", (view.start,)


def parted(view: View, of: str, sums: str) -> Query:
    """`sums` over `orders` or `sales`, as `of` says: of the view, of the days before it, of each of its periods.

    In one pass: each of them alone would take as long. Columns: part (whole, before, period), period (its first day),
    and those of `sums`.
    """
    wide, now, parameters = before_too(view)
    select = (
        f", parted as (select *, {now.replace('placed', _PLACED[of])} as is_now from {of}) "
        f"select {PARTS}, {sums} from parted group by grouping sets ((is_now), (is_now, period)) "
        "having is_now or grouping(period) = 1 order by all"
    )
    return orders(wide, select, *parameters) if of == "orders" else sales(wide, select, *parameters, category=False)


def periods(rows: Rows) -> Rows:
    """Those of the periods alone, of the rows of a `parted` query."""
    part = rows.columns.index("part")
    kept = tuple(row[:part] + row[part + 1 :] for row in rows.rows if row[part] == "period")
    return Rows(rows.columns[:part] + rows.columns[part + 1 :], kept)


def compared(
    view: View, parts: Parts, measures: Callable[[Record], Values], write: Sequence[Callable[[Number | None], str]]
) -> list[Figure]:
    """One figure a value. `measures`: the values of a part; `write`: each in words."""
    now, before = measures(parts.whole), measures(parts.before)
    note = f"vs. {view.format.number(view.days)} days before"
    course = [measures(period) for period in parts.periods]
    figures = []
    for at, (new, old) in enumerate(zip(now, before, strict=True)):
        change = float(new) / float(old) - 1 if new is not None and old else None
        line = [float(values[at] or 0) for values in course]
        figures.append(Figure(write[at](new), change, line, "" if change is None else note))
    return figures
