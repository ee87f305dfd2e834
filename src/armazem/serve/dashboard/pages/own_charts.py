"""The chart of an own model: a line over a time, or bars of what has most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from armazem.kpis.catalogue import Kpi
from armazem.serve.dashboard.components import Ask, ChartPanel
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.options import Options, axis, legend, plain, point, scaled
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

BARS = 20
POINTS = 2000
"""Of a line: the newest."""


@dataclass(frozen=True, slots=True)
class Points(Rows):
    """x, then each y; `total`: rows of the table that have an x, `repeated`: whether some x comes more than once."""

    total: int = 0
    repeated: bool = False


class OwnChart(ChartPanel):
    """It is drawn where each x comes once: what the sum or the mean of several rows would be nobody has said."""

    def __init__(self, kpi: Kpi) -> None:
        self._kpi = kpi
        names = ", ".join(label_of(name) for name in kpi.y)
        over = label_of(kpi.x).lower()
        super().__init__(
            f"{names} by {over}", f"Of own.{kpi.name}: {'; '.join(meanings(kpi))}", lambda view: chart_query(kpi),
            lambda view, rows, shades: draw(kpi, view, rows, shades), classes="w6", name=f"{kpi.name}-chart",
            height=360, empty="The table has no rows.",
        )  # fmt: skip

    def load(self, view: View, ask: Ask) -> Points:
        return points(self._kpi, ask(self._query(view)))

    def show(self, view: View, loaded: Any) -> None:
        if loaded.repeated:
            self._rows = None
            self.say(
                f"Several rows have the same {label_of(self._kpi.x).lower()}, so there is no chart of them.\n"
                "Make a model with one row of each, or name another column:  kpi: {x: …, y: […]}"
            )
        else:
            super().show(view, loaded)


def meanings(kpi: Kpi) -> list[str]:
    return [f"{label_of(name)}: {kpi.columns[name]}" if kpi.columns[name] else label_of(name) for name in kpi.y]


def label_of(column: str) -> str:
    """The name of a column as words."""
    words = column.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def order(kpi: Kpi) -> Query:
    """What its rows are ordered by, as the API orders them."""
    return Query(
        ", ".join(
            f"{quoted(column.removeprefix('-'))} {'desc' if column.startswith('-') else 'asc'} nulls last"
            for column in kpi.order_by
        )
    )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def chart_query(kpi: Kpi) -> Query:
    """x and each y of the rows that are drawn, in their order; then how many rows have an x, and the most with one x.

    Of a line the newest; of bars those with the most of the first y, in the order of the table.
    """
    x, first = quoted(kpi.x), quoted(kpi.y[0])
    line = kpi.chart == "line"
    rank, place, most = (f"{x} desc", x, POINTS) if line else (f"{first} desc nulls last, {x}", order(kpi).sql, BARS)
    named = [f"{quoted(name)} as y{at}" for at, name in enumerate(kpi.y)]
    return Query(
        f"select x, {', '.join(f'y{at}' for at in range(len(kpi.y)))}, total, max(same) over () from ("
        f"select {x} as x, {', '.join(named)}, count(*) over () as total, count(*) over (partition by {x}) as same, "
        f"row_number() over (order by {rank}) as ranked, row_number() over (order by {place}) as placed "
        f"from own.{quoted(kpi.name)} where {x} is not null) where ranked <= {most} order by placed"
    )


def points(kpi: Kpi, answer: Rows) -> Points:
    """Of the answer to `chart_query`."""
    total, same = answer.rows[0][-2:] if answer.rows else (0, 0)
    return Points((kpi.x, *kpi.y), tuple(row[:-2] for row in answer.rows), total, same > 1)


def draw(kpi: Kpi, view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """Lines over a time, or lying bars with the first on top."""
    form, line = view.format, kpi.chart == "line"
    found = list(rows.rows) if line else list(reversed(rows.rows))
    values = [[_finite(row[1 + at]) for row in found] for at in range(len(kpi.y))]
    # All in the unit of the largest: they have one axis.
    numbers, unit = scaled([value for column in values for value in column], form)
    said = ["\n".join([_written(row[0], form), *_figures(kpi, row, form)]) for row in found]
    series = []
    for at, name in enumerate(kpi.y):
        drawn = numbers[at * len(found) : (at + 1) * len(found)]
        data = [
            point([row[0].isoformat(), value] if line else value, words)
            for row, value, words in zip(found, drawn, said, strict=True)
        ]
        looks: Options = {"showSymbol": len(found) < 60} if line else {"barMaxWidth": 18}
        series.append({"name": label_of(name), "type": kpi.chart, "data": data, **looks})
    of_values = axis(shades, type="value", axisLabel={"formatter": unit, "color": shades.muted, "hideOverlap": True})
    names = [_written(row[0], form) for row in found]
    options: Options = {
        "xAxis": axis(shades, type="time", splitLine={"show": False}) if line else of_values,
        "yAxis": of_values if line else axis(shades, type="category", data=names),
        "series": series,
    }
    if len(kpi.y) > 1:
        options["legend"] = legend(shades)
    else:
        options["grid"] = {"left": 8, "right": 24, "top": 10, "bottom": 4, "containLabel": True}
    return options, _note(kpi, rows, form)


def _note(kpi: Kpi, rows: Rows, form: Format) -> str:
    total = rows.total if isinstance(rows, Points) else len(rows.rows)
    if total <= len(rows.rows):
        return ""
    most = "newest" if kpi.chart == "line" else f"with the most {label_of(kpi.y[0]).lower()}"
    return f"{form.number(len(rows.rows))} of {form.number(total)}: those {most}."


def _figures(kpi: Kpi, row: Sequence[Any], form: Format) -> list[str]:
    places = [0 if kpi.types[name] == "integer" else 2 for name in kpi.y]
    values = zip(kpi.y, row[1:], places, strict=True)
    return [f"{label_of(name)} {form.number(_finite(value), at)}" for name, value, at in values]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _written(value: Any, form: Format) -> str:
    if isinstance(value, datetime):
        return form.datetime(value)
    return form.date(value) if isinstance(value, date) else plain(value)
