"""How the charts of the customers page are drawn. Pure: of a view and its rows, ECharts options and a note."""

from __future__ import annotations

from typing import Any

from armazem.serve.dashboard.options import (
    Options,
    axis,
    color_bar,
    faded,
    legend,
    point,
    records,
    scaled,
    tooltip,
    values,
)
from armazem.serve.dashboard.periods import PARTIAL, named, starts
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_LABELLED = 15
"""Columns of the heat map that still have room for figures."""


def filtered_by(view: View) -> list[str]:
    """The filters besides the dates, in words."""
    given = (("state", view.state), ("category", view.category), ("seller", view.seller[:12]))
    return [f"{name} {value}" for name, value in given if value]


def draw_growth(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """New and returning customers as stacked bars, all so far as a line."""
    form = view.format
    found = records(rows)
    names = [form.period(row["month"], "month") for row in found]
    partial = [row[PARTIAL] for row in found]
    months = view.with_(start=None, end=None)
    said = [
        f"{named(months, row['month'], 'month', partial=row[PARTIAL])}\nNew {form.number(row['new_customers'])}\n"
        f"Returning {form.number(row['returning_customers'])}\nSo far {form.number(row['cumulative_customers'])}"
        for row in found
    ]

    # Both in one unit, as they stand on each other.
    both, label = scaled(
        [*(row["new_customers"] for row in found), *(row["returning_customers"] for row in found)], form
    )
    so_far, so_far_label = scaled([row["cumulative_customers"] for row in found], form)
    parts = (("New", both[: len(found)], 0), ("Returning", both[len(found) :], 1))
    bars = [
        {
            "name": name,
            "type": "bar",
            "stack": "customers",
            "barMaxWidth": 38,
            "itemStyle": {"color": shades.series[color]},
            "data": [
                faded(point(value, words, itemStyle={"color": shades.series[color]}), partial=cut)
                for value, words, cut in zip(counts, said, partial, strict=True)
            ],
        }
        for name, counts, color in parts
    ]
    line = {
        "name": "All so far",
        "type": "line",
        "yAxisIndex": 1,
        "showSymbol": len(found) < 60,
        "itemStyle": {"color": shades.series[2]},
        "data": [point(value, words) for value, words in zip(so_far, said, strict=True)],
    }
    options = {
        "legend": legend(shades),
        "xAxis": axis(shades, type="category", data=names, splitLine={"show": False}),
        "yAxis": [
            values(shades, label, minInterval=1),
            values(shades, so_far_label, minInterval=1, splitLine={"show": False}),
        ],
        "series": [*bars, line],
    }
    whole = "Whole months, also where the dates cut one; the line, all new ones so far, is on the right." + (
        " Lighter: a month that the data cover in part." if any(partial) else ""
    )
    filters = filtered_by(view)
    if not filters:
        return options, whole
    return options, (
        f"Only sales of {', '.join(filters)}. New: the first sale of all, whatever it was, lies in the month. {whole}"
    )


def draw_cohorts(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """A row per cohort, with its size, and a column per month since. Month 0 is all of it, and has no colour."""
    form = view.format
    found = records(rows)
    months = [row["cohort_month"] for row in found]
    months = starts(min(months), max(months), "month") if months else []  # one without new customers is a line too
    places = {month: at for at, month in enumerate(months)}
    sizes = dict.fromkeys(months, "0") | {row["cohort_month"]: form.compact(row["cohort_size"]) for row in found}
    last = max((row["months_since_first"] for row in found), default=0)
    rates = [float(row["retention_rate_pct"] or 0) for row in found if row["months_since_first"] > 0]
    came = sorted(rate for rate in rates if rate > 0)
    # A cohort of three people would outshine all others, many months without anybody would darken all.
    highest = came[int(0.97 * (len(came) - 1))] if came else 1.0
    labelled = last + 1 <= _LABELLED
    data: list[Any] = []
    for row in found:
        since, size, rate = row["months_since_first"], row["cohort_size"], float(row["retention_rate_pct"] or 0)
        month = form.period(row["cohort_month"], "month")
        at = [since, places[row["cohort_month"]], rate]
        cut = f" ({'that month ' if since else ''}partial)" if row[PARTIAL] else ""
        if since == 0:
            data.append(
                point(at, f"{month}{cut}\nFirst bought {form.number(size)}", visualMap=False,
                      itemStyle={"color": shades.faint},
                      label={"show": labelled, "color": shades.text, "formatter": "100"})
            )  # fmt: skip
            continue
        said = (
            f"{month}, {since} month{'' if since == 1 else 's'} later{cut}\n"
            f"Bought again {form.number(row['retained_customers'])} of {form.number(size)}\n{form.number(rate, 2)}%"
        )
        color = shades.card if rate > 0.6 * highest and not row[PARTIAL] else shades.text
        label = {"show": labelled, "color": color, "formatter": form.number(rate, 1), "opacity": 1}
        data.append(faded(point(at, said, label=label), partial=row[PARTIAL]))
    options = {
        "grid": {"left": 4, "right": 8, "top": 4, "bottom": 66, "containLabel": True},
        "xAxis": axis(
            shades, type="category", data=[str(month) for month in range(last + 1)], name="Months since the first sale",
            nameLocation="middle", nameGap=24, splitLine={"show": False},
        ),
        "yAxis": axis(
            shades, type="category", data=[f"{form.period(month, 'month')} · {sizes[month]}" for month in months],
            inverse=True, splitLine={"show": False},
        ),
        "visualMap": color_bar(shades, shades.scale, highest, f"{form.number(highest, 1)}%"),
        "tooltip": tooltip(shades, trigger="item"),
        "series": [
            {
                "type": "heatmap", "data": data, "animation": False, "label": {"fontSize": 11},
                "itemStyle": {"borderColor": shades.card, "borderWidth": 1},
            }
        ],
    }  # fmt: skip
    note = "By the month of the first sale, and how many those are: the per cent who bought again so many months later."
    if any(row[PARTIAL] for row in found if row["months_since_first"]):
        note += " Lighter: in a month that the data cover in part."
    filters = filtered_by(view)
    return options, f"{note} Of all sales: not filtered by {', '.join(filters)}." if filters else note


def draw_frequency(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """How many customers bought once, twice, three times, more often; logarithmic, as nearly all bought once."""
    form = view.format
    found = {row["times"]: row for row in records(rows)}
    total = sum(row["customers"] for row in found.values()) or 1
    names = ["once", "twice", "3 times", "4 or more"]
    data: list[Any] = []
    for times, name in enumerate(names, 1):
        row = found.get(times)
        if row is None:
            data.append(None)
            continue
        count, share = row["customers"], form.percent(row["customers"] / total, 2)
        said = (
            f"{name}\nCustomers {form.number(count)} ({share})\nOrders {form.number(row['orders'])}\n"
            f"Revenue {form.money(row['revenue'])}"
        )
        label = {
            "show": True, "position": "top", "color": shades.text, "lineHeight": 15,
            "formatter": f"{form.number(count)}\n{share}",
        }  # fmt: skip
        data.append(point(count, said, label=label))
    most = max((row["customers"] for row in found.values()), default=1)
    options = {
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 4, "containLabel": True},
        "xAxis": axis(shades, type="category", data=names, splitLine={"show": False}),
        # From below one, so that a single customer has a bar too.
        "yAxis": axis(shades, type="log", min=0.5, max=max(10, most), axisLabel={"show": False}),
        "series": [
            {"type": "bar", "barMaxWidth": 56, "itemStyle": {"borderRadius": [3, 3, 0, 0]}, "data": data}
        ],
    }  # fmt: skip
    return options, "Valid sales per customer within the filters. Logarithmic: each line is ten times the one below."


def draw_order_values(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """All states, the highest average on top."""
    form = view.format
    found = sorted(records(rows), key=lambda row: (row["avg_order_value"] or 0, row["state"]))
    orders = sum(row["orders"] for row in found)
    average = float(sum(row["revenue"] or 0 for row in found) / orders) if orders else 0.0
    data = [
        point(
            float(row["avg_order_value"] or 0),
            f"{row['state']}\nPer order {form.money(row['avg_order_value'])}\nOrders {form.number(row['orders'])}\n"
            f"Revenue {form.money(row['revenue'])}",
        )
        for row in found
    ]
    mean = {
        "silent": True, "symbol": "none", "data": [{"xAxis": round(average, 2)}], "label": {"show": False},
        "lineStyle": {"color": shades.text, "type": "dashed"}, "animation": False,
    }  # fmt: skip
    options = {
        "grid": {"left": 4, "right": 16, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": values(shades, "R$ {value}"),
        "yAxis": axis(
            shades, type="category", data=[row["state"] for row in found],
            axisLabel={"color": shades.muted, "interval": 0, "fontSize": 11},
        ),
        "series": [
            {"type": "bar", "barMaxWidth": 14, "itemStyle": {"borderRadius": [0, 3, 3, 0]}, "data": data,
             "markLine": mean}
        ],
    }  # fmt: skip
    return options, f"Revenue per order; the dashed line is the average of all, {form.money(average)}."
