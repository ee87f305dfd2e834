"""The forecast as a chart: what was sold, what is expected, and its band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.options import Options, axis, legend, point, records, values
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_BAND = "80 % band"
_HIDDEN: Options = {
    "type": "line", "stack": "band", "stackStrategy": "all", "symbol": "none", "silent": True,
    "lineStyle": {"opacity": 0}, "tooltip": {"show": False},
}  # fmt: skip


def picture(measure: str) -> Callable[[View, Rows, Colors], tuple[Options, str]]:
    """What draws one measure of the rows of `forecast_days.course`."""

    def draw(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
        form, found = view.format, records(rows)
        lower, upper = f"{measure}_lower", f"{measure}_upper"
        tops = [row[measure] if row[upper] is None else row[upper] for row in found]
        size, unit = form.unit(max((abs(top) for top in tops), default=0))

        def line(name: str, *, ahead: bool, **more: Any) -> Options:
            data = [
                point(round(row[measure] / size, 4), _said(row, measure, form)) if row["is_forecast"] is ahead else None
                for row in found
            ]
            return {"name": name, "type": "line", "symbolSize": 5, "data": data, **more}

        def band(of: Callable[[Mapping[str, Any]], float]) -> list[float | None]:
            return [None if row[lower] is None else round(of(row) / size, 4) for row in found]

        color = shades.series[1]
        options = {
            "legend": legend(shades, data=["Sold", "Forecast", _BAND]),
            "xAxis": axis(
                shades, type="category", data=[form.period(row["day"], "day") for row in found],
                splitLine={"show": False},
            ),
            "yAxis": values(shades, f"{'R$ ' if measure == 'revenue' else ''}{{value}}{unit}"),
            # A band is two areas on each other, of which the lower is not seen.
            "series": [
                {**_HIDDEN, "name": "from", "data": band(lambda row: row[lower])},
                {**_HIDDEN, "name": _BAND, "data": band(lambda row: row[upper] - row[lower]),
                 "itemStyle": {"color": color}, "areaStyle": {"color": color, "opacity": 0.25}},
                line("Sold", ahead=False, itemStyle={"color": shades.first}),
                line("Forecast", ahead=True, itemStyle={"color": color}, lineStyle={"type": "dashed"}),
            ],
        }  # fmt: skip
        return options, accuracy(found, measure, form)

    return draw


def accuracy(found: Sequence[Mapping[str, Any]], measure: str, form: Format) -> str:
    """How good earlier forecasts were, as a note."""
    last = found[-1]
    said = "The mean of the same weekday over four weeks. "
    if not last["backtests"]:
        return f"{said}How far off it is, is not known yet: there are too few weeks."
    off, covered = last[f"{measure}_wape_pct"], last[f"{measure}_coverage_pct"]
    missed = "" if off is None else f"was off by {form.percent(off / 100)} of what was sold, and "
    times = f"{form.number(last['backtests'])} time{'' if last['backtests'] == 1 else 's'}"
    inside = "" if covered is None else f"{form.percent(covered / 100, 0)} of the days lay in the band"
    return f"{said}Made {times} before, its sum {missed}{inside}."


def _said(row: Mapping[str, Any], measure: str, form: Format) -> str:
    def write(value: float, places: int = 1) -> str:
        return form.money(value) if measure == "revenue" else form.number(value, places)

    day = form.date(row["day"])
    if not row["is_forecast"]:
        return f"{day}\nSold {write(row[measure], 0)}"
    lower, upper = row[f"{measure}_lower"], row[f"{measure}_upper"]
    inside = "" if lower is None else f"\n{_BAND} {write(lower)} to {write(upper)}"
    return f"{day}\nForecast {write(row[measure])}{inside}"
