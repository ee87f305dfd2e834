"""Sellers whose parcels take much longer than those of others: the query, and two charts of its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.options import Options, axis, legend, plain, point, records
from armazem.serve.dashboard.queries import Query, orders, sales
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

FEWEST = 5
_BIN = 2  # days
_BINS = 20

# Exact, as in kpis.agg_avg_delivery_time_seller; days_to_deliver of the marts is rounded.
_DAYS = "/ 86400000000.0"
AVERAGE = (
    f"avg(date_diff('microsecond', placed, delivered)) filter (order_status = 'delivered') {_DAYS} as days_to_deliver"
)


def deliveries(view: View) -> Query:
    """Sellers with enough delivered orders, by the rule of kpis.agg_avg_delivery_time_seller.

    Of all sellers, also where one is in the filter: an outlier is one among others.
    """
    everyone = view.with_(seller="")
    average = orders(everyone, f"select {AVERAGE} from orders")
    if everyone.by_item:  # of the same orders, which are at hand
        each = "select any_value(duration) as duration from delivered group by order_id"
        average = Query(f"select avg(duration) {_DAYS} as days_to_deliver from ({each})")
    return sales(
        everyone,
        ", delivered as (select seller_id, order_id, any_value(seller_city) as city, any_value(seller_state) as state, "
        "any_value(date_diff('microsecond', order_purchase_timestamp, order_delivered_timestamp)) as duration "
        "from sales where order_status = 'delivered' and order_delivered_timestamp is not null "
        "group by seller_id, order_id), "
        f"averages as (select seller_id, any_value(city) as seller_city, any_value(state) as seller_state, "
        f"count(*) as delivered_orders, avg(duration) {_DAYS} as days_to_deliver from delivered "
        f"group by seller_id having count(*) >= {FEWEST}), "
        "quarters as (select quantile_cont(days_to_deliver, 0.25) as q1, quantile_cont(days_to_deliver, 0.75) as q3 "
        "from averages), "
        f"marketplace as ({average.sql}) "
        "select averages.*, days_to_deliver > usual_to as is_outlier, usual_to, marketplace_days from averages "
        "cross join (select q3 + 1.5 * (q3 - q1) as usual_to from quarters) "
        "cross join (select days_to_deliver as marketplace_days from marketplace) order by seller_id",
        *average.parameters,
        category=False,
    )


def scatter(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """A point a seller: outliers in the colour of alerts, the one in the filter large."""
    form = view.format
    found = records(rows)
    usual = [_dot(row, form) for row in found if not row["is_outlier"]]
    outliers = [_dot(row, form) for row in found if row["is_outlier"]]
    chosen = [row for row in found if row["seller_id"] == view.seller]
    ring = [
        {
            "value": _dot(row, form)[:2],
            "label": {"show": True, "formatter": plain(str(row["seller_id"])[:8]), "position": "top"},
        }
        for row in chosen
    ]
    most = max(row["delivered_orders"] for row in found)
    # Lists, of which the third is the tooltip: thousands of objects with one each take several times as long to draw.
    small = {
        "symbolSize": 7, "type": "scatter", "tooltip": {"formatter": "{b}"}, "encode": {"x": 0, "y": 1, "itemName": 2},
        "dimensions": ["orders", "days", {"name": "said", "type": "ordinal"}, {"name": "seller", "type": "ordinal"}],
    }  # fmt: skip
    options = {
        "legend": legend(shades, data=["Usual", "Outlier"]),
        "grid": {"left": 8, "right": 20, "top": 34, "bottom": 48, "containLabel": True},
        "xAxis": axis(
            shades, type="log", min=FEWEST - 1, max=most * 1.25, name="Delivered orders", nameLocation="middle",
            nameGap=32, axisLabel={"show": False}, splitLine={"show": False},
        ),
        "yAxis": axis(
            shades, type="value", min=0, name="Days", axisLabel={"formatter": "{value}", "color": shades.muted},
        ),
        "series": [
            {"name": "Usual", **small, "data": usual, "itemStyle": {"color": shades.first, "opacity": 0.45},
             "markLine": _average(found, form, shades)},
            {"name": "Outlier", **small, "data": outliers, "itemStyle": {"color": shades.alert, "opacity": 0.9}},
            {"name": "In the filter", "type": "scatter", "data": ring, "z": 5, "symbolSize": 18, "silent": True,
             "label": {"color": shades.text, "fontWeight": "bold", "backgroundColor": shades.card, "padding": 3},
             "itemStyle": {"color": "transparent", "borderColor": shades.text, "borderWidth": 2.5}},
            _marks(most, form, shades),
        ],
    }  # fmt: skip
    note = _said(found, form)
    return options, note + (
        " The seller in the filter has fewer." if view.seller and not chosen else " Click a point for its seller."
    )


def histogram(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """How many sellers take how long."""
    form = view.format
    found = records(rows)
    counts = {"Usual": [0] * _BINS, "Outlier": [0] * _BINS}
    for row in found:
        at = min(int(row["days_to_deliver"] // _BIN), _BINS - 1)
        counts["Outlier" if row["is_outlier"] else "Usual"][max(at, 0)] += 1
    both = [usual + outliers for usual, outliers in zip(*counts.values(), strict=True)]
    size, unit = form.unit(max(both))
    first = next((at for at, count in enumerate(both) if count), 0)
    last = max((at for at, count in enumerate(both) if count), default=0)
    names = [f"{at * _BIN}–{(at + 1) * _BIN}" if at < _BINS - 1 else f"{at * _BIN}+" for at in range(_BINS)]
    options = {
        "legend": legend(shades),
        "grid": {"left": 8, "right": 12, "top": 34, "bottom": 26, "containLabel": True},
        "xAxis": axis(
            shades, type="category", data=names[first : last + 1], splitLine={"show": False},
            name="Days, average of a seller", nameLocation="middle", nameGap=28,
        ),
        "yAxis": axis(
            shades, type="value", axisLabel={"formatter": f"{{value}}{unit}", "color": shades.muted}
        ),
        "series": [
            {
                "name": name, "type": "bar", "stack": "sellers", "barCategoryGap": "8%", "itemStyle": {"color": color},
                "data": [
                    point(count / size, f"{names[at]} days\n{name} sellers {form.number(count)}") if count else None
                    for at, count in enumerate(counts[name])
                ][first : last + 1],
            }
            for name, color in (("Usual", shades.first), ("Outlier", shades.alert))
        ],
    }  # fmt: skip
    return options, "Sellers by their average days to deliver."


def _dot(row: Any, form: Format) -> list[Any]:
    """Orders, days, the words of its tooltip, the seller."""
    days = row["days_to_deliver"]
    said = (
        f"{place_of(row['seller_city'], row['seller_state'])}\n{row['seller_id']}\n"
        f"{form.number(days, 1)} days on average\nDelivered orders {form.number(row['delivered_orders'])}"
    )
    return [row["delivered_orders"], round(days, 2), plain(said), row["seller_id"]]


def _marks(most: int, form: Format, shades: Colors) -> Options:
    """The labels of the logarithmic axis: its own stand at powers of ten only, with English commas."""
    steps = [step * 10**power for power in range(7) for step in (1, 2, 5) if FEWEST <= step * 10**power <= most]
    return {
        "type": "scatter", "silent": True, "symbolSize": 0, "clip": False, "animation": False,
        "tooltip": {"show": False}, "labelLayout": {"hideOverlap": True},
        "data": [
            {"value": [step, 0], "label": {"show": True, "position": "bottom", "distance": 6, "color": shades.muted,
                                           "formatter": form.number(step)}}
            for step in steps
        ],
    }  # fmt: skip


def place_of(city: object, state: object) -> str:
    return f"{str(city or 'unknown city').title()}, {state or '–'}"


def _average(found: Sequence[Any], form: Format, shades: Colors) -> Options:
    days = found[0]["marketplace_days"]
    if days is None or not math.isfinite(days):
        return {}
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"type": "dashed", "color": shades.text, "width": 1.5},
        "label": {
            "formatter": f"marketplace {form.number(days, 1)}",
            "position": "insideEndTop",
            "color": shades.text,
            "backgroundColor": shades.card,
            "padding": 3,
        },
        "data": [{"yAxis": round(days, 2)}],
    }


def _said(found: Sequence[Any], form: Format) -> str:
    outliers = sum(bool(row["is_outlier"]) for row in found)
    return (
        f"{form.number(len(found))} sellers with at least {FEWEST} delivered orders; {form.number(outliers)} outliers, "
        f"above {form.number(found[0]['usual_to'], 1)} days."
    )
