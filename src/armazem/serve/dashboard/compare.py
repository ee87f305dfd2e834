"""Cards that say how a figure changed since the period before, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from armazem.serve.dashboard.cards import Figure
from armazem.serve.dashboard.formats import Number
from armazem.serve.dashboard.view import View

Values = Sequence[Number | None]


def compared(
    view: View,
    values: Callable[[View], Values],
    course: Callable[[View], Sequence[Values]],
    write: Sequence[Callable[[Number | None], str]],
) -> list[Figure]:
    """One figure a value. `values`: of a whole view; `course`: of each of its periods; `write`: each in words."""
    now, before_view = values(view), view.before()
    before = values(before_view) if before_view else [None] * len(now)
    note = f"vs. {view.format.number(view.days)} days before"
    periods = course(view)
    figures = []
    for at, (new, old) in enumerate(zip(now, before, strict=True)):
        change = float(new) / float(old) - 1 if new is not None and old else None
        line = [float(period[at] or 0) for period in periods]
        figures.append(Figure(write[at](new), change, line, "" if change is None else note))
    return figures
