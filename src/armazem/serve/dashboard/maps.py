"""Maps: what was sold where, on the points that the data have, and in the middle of the states where they have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from armazem.contract.states import STATES
from armazem.serve.dashboard.options import Options, color_bar, point, records, tooltip
from armazem.serve.dashboard.queries import Query, orders
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

MIDDLES: Mapping[str, tuple[float, float]] = {
    state.code: (state.longitude, state.latitude) for state in STATES.values()
}
"""Longitude and latitude of the middle of each state."""
Place = tuple[float, float]
_SMALLEST = 6.0  # degrees that a map shows at least


def places(view: View) -> Query:
    """Half-degree squares: all that have a location, and what was sold where.

    What was sold to customers without a point has a row for each of their states, `drawn_at`, instead of a square.
    """
    return orders(
        view,
        ", ground as (select round(longitude * 2) / 2 as lng, round(latitude * 2) / 2 as lat from marts.dim_locations "
        "where latitude is not null and longitude is not null group by all), "
        "sold as (select round(c.longitude * 2) / 2 as lng, round(c.latitude * 2) / 2 as lat, "
        "case when c.latitude is null then coalesce(o.customer_state, 'unknown') end as drawn_at, "
        "sum(o.revenue) as revenue, count(*) as orders, count(*) filter (o.is_late) as late, "
        "count(o.is_late) as delivered, mode(o.customer_city) as city, mode(o.customer_state) as state "
        "from orders o left join marts.dim_customers c using (customer_id) group by all) "
        "select lng, lat, drawn_at, revenue, orders, late, delivered, city, state "
        "from ground full join sold using (lng, lat) order by revenue nulls first, lng, lat, drawn_at",
    )


def map_of(measure: str) -> Any:
    """Draws the places; `measure`: revenue or lateness colours them, orders give their size."""

    def draw(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
        form = view.format
        found = records(rows)
        ground = [(float(row["lng"]), float(row["lat"])) for row in found if row["lng"] is not None]
        sold = [(row, place) for row in found if row["orders"] and (place := _place(row))]
        most = max((row["orders"] for row, _ in sold), default=1)
        shown = []
        for row, place in sold:
            late = row["late"] / row["delivered"] if row["delivered"] else 0.0
            value = 100 * late if measure == "late" else float(row["revenue"])
            said = (
                f"{_named(row)}\nRevenue {form.money(row['revenue'])}\nOrders {form.number(row['orders'])}\n"
                f"Late {form.percent(late)}"
            )
            size = 4 + 22 * (row["orders"] / most) ** 0.5
            middle = {"symbol": "diamond"} if row["drawn_at"] else {}
            shown.append(point([*place, value], said, symbolSize=round(size + 4 * len(middle), 1), **middle))
        values = sorted(item["value"][2] for item in shown) or [0]
        highest = values[int(0.97 * (len(values) - 1))] or 1
        most_said = form.percent(highest / 100) if measure == "late" else form.compact_money(highest)
        # Without squares there is no country to be seen: the states stand for it.
        backdrop = ground or list(MIDDLES.values())
        options = {
            "grid": {"left": 8, "right": 8, "top": 8, "bottom": 44},
            **frame([*backdrop, *(place for _, place in sold)]),
            "visualMap": color_bar(shades, shades.scale[1:], highest, most_said, seriesIndex=1),
            "tooltip": tooltip(shades, trigger="item"),
            "series": [backdrop_of(ground, shades), {"type": "scatter", "data": shown, "itemStyle": {"opacity": 0.92}}],
        }  # fmt: skip
        what = "Colour: share of late deliveries" if measure == "late" else "Colour: revenue"
        return options, f"{what}; size: orders. {_drawn_from(view, found)}"

    return draw


def _place(row: Mapping[str, Any]) -> Place | None:
    """Where a row is drawn; None of a state that is none of Brazil's."""
    return (float(row["lng"]), float(row["lat"])) if row["lng"] is not None else MIDDLES.get(row["drawn_at"])


def _named(row: Mapping[str, Any]) -> str:
    if row["drawn_at"]:
        return f"{STATES[row['drawn_at']].name}, all places without a point"
    return f"Around {str(row['city'] or 'an unknown city').title()}, {row['state'] or '–'}"


def _drawn_from(view: View, found: Sequence[Mapping[str, Any]]) -> str:
    """What the map is drawn from, in words."""
    form = view.format
    in_squares = sum(row["orders"] or 0 for row in found if not row["drawn_at"])
    at_middles = sum(row["orders"] for row in found if row["drawn_at"] in MIDDLES)
    nowhere = sum(row["orders"] for row in found if row["drawn_at"] and row["drawn_at"] not in MIDDLES)
    words = []
    if in_squares or not at_middles:
        words.append("Squares of half a degree.")
    if at_middles:
        few = f"{form.number(at_middles)} orders without a point" if in_squares else "The data have no points: all"
        words.append(f"{few} in the middle of their state{' (diamonds)' if in_squares else ''}.")
    if nowhere:
        words.append(f"{form.number(nowhere)} of no known place are not on it.")
    return " ".join(words)


def backdrop_of(ground: Sequence[Place], shades: Colors) -> Options:
    """The country in grey: its squares, or where there are none the codes of its states."""
    series: Options = {"type": "scatter", "silent": True, "animation": False, "itemStyle": {"color": shades.faint}}
    if ground:
        return {**series, "symbol": "rect", "symbolSize": 6, "data": [list(place) for place in ground]}
    states = [
        {"value": list(place), "label": {"show": True, "formatter": code, "color": shades.muted, "position": "bottom"}}
        for code, place in MIDDLES.items()
    ]
    return {**series, "symbolSize": 5, "data": states}


def frame(shown: Iterable[Place]) -> Options:
    """Axes around the places, as wide as high: a single state is not drawn out of shape."""
    points = list(shown)
    middles, spans = [], []
    for axis in (0, 1):
        values = [place[axis] for place in points]
        middles.append((min(values) + max(values)) / 2)
        spans.append(max(values) - min(values) + 2)
    half = max(*spans, _SMALLEST) / 2
    return {
        name: {"type": "value", "show": False, "min": round(middle - half, 2), "max": round(middle + half, 2)}
        for name, middle in zip(("xAxis", "yAxis"), middles, strict=True)
    }
