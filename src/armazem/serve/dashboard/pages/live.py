"""Live: what came in up to this second, without waiting for a build."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Unpack

from nicegui import ui

from armazem.build.descriptions import meaning
from armazem.contract.tables import NO_SALE_STATUSES, ORDER_STATUSES
from armazem.errors import HomeError
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.components import Ask, ChartPanel, Framed, Framing
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import written
from armazem.serve.dashboard.maps import MIDDLES, backdrop_of
from armazem.serve.dashboard.maps import frame as framed_by
from armazem.serve.dashboard.options import Options, axis, beside, point, records, tooltip
from armazem.serve.dashboard.pictures import Table
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_SECONDS = 0.2
_MAP_MINUTES = 10
_STATES = Query(
    "select state, avg(longitude) as lng, avg(latitude) as lat from marts.dim_locations "
    "where state is not null and latitude is not null and longitude is not null group by state order by state"
)
_GROUND = Query(
    "select distinct round(longitude * 2) / 2 as lng, round(latitude * 2) / 2 as lat from marts.dim_locations "
    "where latitude is not null and longitude is not null order by all"
)
NOTHING_CAME = "No order has come in yet.\nSend one to POST /v1/events, or try:  armazem simulate"


def cards() -> tuple[Card, ...]:
    lag = "Age of the events of the last minute when they were accepted: half were younger; 99 of 100 than p99."
    return (
        Card("Orders", "Orders that came as events, of any status, counted once each. Files are not in it.", "neither"),
        Card("Revenue", "Sum of the payments of these orders, but for those canceled or unavailable.", "neither"),
        Card("Orders per minute", "Orders that arrived in the last 60 seconds.", "neither"),
        Card("Ingest lag", lag, "neither"),
        Card("Dead letters", "Messages refused, kept with their reason: `armazem dead-letters list`.", "neither"),
    )


def figures(snapshot: Mapping[str, Any], view: View) -> list[Figure]:
    """One for each of the cards."""
    form = view.format
    by_minute = [float(minute["orders"]) for minute in snapshot["orders_by_minute"]]
    lag = snapshot["lag_seconds"]
    events = sum(snapshot["events"].values())
    return [
        Figure(form.number(snapshot["orders"]), course=by_minute, note=f"{form.number(events)} events"),
        Figure(form.money(snapshot["revenue"]), note="valid sales"),
        Figure(form.number(snapshot["orders_per_minute"]), course=by_minute, note="arrived in the last 60 s"),
        Figure(_seconds(lag["p50"], view), note=f"p99 {_seconds(lag['p99'], view)}"),
        Figure(form.number(snapshot["dead_letters"]), note="refused and kept"),
    ]


def _seconds(value: float | None, view: View) -> str:
    if value is None:
        return "–"
    if value < 1:
        return f"{view.format.number(1000 * value)} ms"
    return f"{view.format.number(value, 1)} s" if value < 120 else f"{view.format.number(value / 60)} min"


def minutes(snapshot: Mapping[str, Any]) -> Rows:
    found = tuple((minute["minute"], minute["orders"]) for minute in snapshot["orders_by_minute"])
    return Rows(("minute", "orders"), found)


def statuses(snapshot: Mapping[str, Any]) -> Rows:
    """In the order of an order's life."""
    by_status = snapshot["by_status"]
    names = [name for name in (*ORDER_STATUSES, "unknown") if name in by_status]
    rows = tuple((name, by_status[name]["orders"], by_status[name]["revenue"]) for name in names)
    return Rows(("status", "orders", "revenue"), rows)


def arrived_in(orders: Sequence[Mapping[str, Any]], now: datetime) -> Rows:
    """Orders and revenue per state, of those of the last minutes."""
    since = now - timedelta(minutes=_MAP_MINUTES)
    counts: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for order in orders:
        if order["timestamp"] >= since:
            counts[order["customer_state"]] += 1
            revenue[order["customer_state"]] += order["revenue"]
    return Rows(("state", "orders", "revenue"), tuple((state, n, revenue[state]) for state, n in counts.most_common()))


def latest(snapshot: Mapping[str, Any]) -> Rows:
    columns = ("timestamp", "order_id", "status", "items", "revenue", "customer_state")
    return Rows(columns, tuple(tuple(order[name] for name in columns) for order in snapshot["recent_orders"]))


def draw_minutes(view: View, rows: Rows, shades: Colors, zone: Any) -> tuple[Options, str]:
    found = records(rows)
    names = [f"{row['minute'].astimezone(zone):%H:%M}" for row in found]
    data = [
        point(row["orders"], f"{name}\nOrders {view.format.number(row['orders'])}")
        for name, row in zip(names, found, strict=True)
    ]
    options = {
        "xAxis": axis(shades, type="category", data=names, splitLine={"show": False}),
        "yAxis": axis(shades, type="value", minInterval=1),
        "series": [{"type": "bar", "data": data, "itemStyle": {"borderRadius": [2, 2, 0, 0]}, "animation": False}],
    }
    return options, "The last hour, by the minute of arrival; the last bar is still growing."


def draw_statuses(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    form = view.format
    found = list(reversed(records(rows)))
    total = sum(row["orders"] for row in found) or 1
    data = []
    for row in found:
        share = form.percent(row["orders"] / total)
        said = f"{row['status']}\nOrders {form.number(row['orders'])} ({share})\nPaid {form.money(row['revenue'])}"
        lost = row["status"] in NO_SALE_STATUSES
        label = beside(shades, form.number(row["orders"]))
        data.append(
            point(row["orders"], said, label=label, itemStyle={"color": shades.alert if lost else shades.first})
        )
    options = {
        "grid": {"left": 4, "right": 72, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": axis(shades, type="value", minInterval=1),
        "yAxis": axis(shades, type="category", data=[row["status"] for row in found]),
        "series": [{"type": "bar", "barMaxWidth": 20, "data": data, "animation": False}],
    }
    return options, "How far the orders have come by now."


@dataclass(frozen=True, slots=True)
class Places:
    """Points (longitude, latitude) of the whole country, and the middle of each state: of its points out of the marts,
    or of its territory where they have none.
    """

    ground: tuple[tuple[float, float], ...] = ()
    states: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MIDDLES)

    @classmethod
    def read(cls, ask: Ask) -> Places:
        """No points where nothing is published."""
        try:
            ground, states = ask(_GROUND), ask(_STATES)
        except HomeError:
            return cls()
        return cls(
            tuple((float(lng), float(lat)) for lng, lat in ground.rows),
            {**MIDDLES, **{state: (float(lng), float(lat)) for state, lng, lat in states.rows}},
        )


def draw_map(view: View, rows: Rows, shades: Colors, places: Places) -> tuple[Options, str]:
    """Bubbles in the middle of the states that ordered."""
    form = view.format
    found = [row for row in records(rows) if row["state"] in places.states]
    most = max((row["orders"] for row in found), default=1)
    shown = []
    for row in found:
        lng, lat = places.states[row["state"]]
        said = f"{row['state']}\nOrders {form.number(row['orders'])}\nRevenue {form.money(row['revenue'])}"
        size = round(12 + 34 * (row["orders"] / most) ** 0.5, 1)
        shown.append(point([lng, lat, row["orders"]], said, symbolSize=size, name=row["state"]))
    options = {
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 8},
        **framed_by([*(places.ground or MIDDLES.values()), *(places.states[row["state"]] for row in found)]),
        "tooltip": tooltip(shades, trigger="item"),
        "series": [
            backdrop_of(places.ground, shades),
            {"type": "scatter", "data": shown, "itemStyle": {"opacity": 0.85}, "animation": False,
             "label": {"show": True, "formatter": "{b}", "color": "#fff", "fontWeight": "bold",
                       "textBorderColor": "#0b3a5c", "textBorderWidth": 2}},
        ],
    }  # fmt: skip
    missing = sum(row["orders"] for row in records(rows)) - sum(row["orders"] for row in found)
    note = f"Of the newest 300 orders, those of the last {_MAP_MINUTES} minutes, by the customer's state."
    return options, note + (f" {form.number(missing)} of a state that is not known." if missing else "")


class LiveChart(ChartPanel):
    """A chart of the live state instead of a query."""

    def __init__(self, title: str, means: str, take: Callable[[], Rows], draw: Any, **framing: Unpack[Framing]) -> None:
        self._take = take
        super().__init__(title, means, lambda view: Query(""), draw, **framing)

    def load(self, view: View, ask: Ask) -> Rows:
        del view, ask  # the live state is no table of the published version
        return self._take()

    def show(self, view: View, loaded: Any) -> None:
        super().show(view, loaded)
        if not loaded.rows:
            self.say(NOTHING_CAME)


class LiveMap(LiveChart):
    """Draws on the places of the published version."""

    def __init__(self, title: str, means: str, take: Callable[[], Rows], **framing: Unpack[Framing]) -> None:
        self._places = Places()
        super().__init__(title, means, take, self._on_places, **framing)

    def load(self, view: View, ask: Ask) -> Rows:
        if ask is not _unasked:
            self._places = Places.read(ask)
        return super().load(view, ask)

    def _on_places(self, view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
        return draw_map(view, rows, shades, self._places)


_LATEST = ("Time", "Order", "Status", "Items", "Paid", "State")


class LatestOrders(Framed):
    """The newest orders as a plain table: rows come and go too quickly for one to sort."""

    def __init__(self, take: Callable[[], Rows], zone: Any, **framing: Unpack[Framing]) -> None:
        self._take = take
        self._zone = zone
        super().__init__("Latest orders", "The newest orders by the time that their sender gives.", **framing)

    def _make(self) -> None:
        self._table = ui.html("", sanitize=False).style("height:100%;overflow:auto").props("tabindex=0 role=region")
        self._table.props('aria-label="Latest orders"')

    def load(self, view: View, ask: Ask) -> Rows:
        del view, ask  # the live state is no table of the published version
        return self._take()

    def show(self, view: View, loaded: Any) -> None:
        super().show(view, loaded)
        if not loaded.rows:
            self.say(NOTHING_CAME)

    def _draw(self, view: View, rows: Rows) -> str:
        lines = []
        for row in records(rows):
            order_id = html.escape(str(row["order_id"]))
            time, _, *others = map(html.escape, self._texts(row, view.format))
            cells = (time, f'<span title="{order_id}">{order_id[:8]}</span>', *others)
            lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        head = "".join(f"<th scope=col>{name}</th>" for name in _LATEST)
        body = "".join(lines)
        self._table.set_content(f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')
        return ""

    def _as_table(self, rows: Rows) -> Table:
        shown = [self._texts(row, self._view.format) for row in records(rows)]
        return Table(self._title, _LATEST, shown, [False] * len(_LATEST))

    def _texts(self, row: Mapping[str, Any], form: Format) -> tuple[str, ...]:
        return (
            f"{row['timestamp'].astimezone(self._zone):%H:%M:%S}",
            str(row["order_id"]),
            str(row["status"]),
            form.number(row["items"]),
            written(row["revenue"] or Decimal(0), "money", form),
            str(row["customer_state"]),
        )


def make(frame: Frame) -> None:
    live, zone = frame.sources.live, frame.sources.zone
    state = ui.label().classes("notice plain").props("role=status")

    def draw(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
        return draw_minutes(view, rows, shades, zone)

    def last_minutes() -> Rows:
        return arrived_in(live.latest_orders(), live.snapshot()["as_of"])

    by_minute = "Orders by the minute in which they arrived here."
    frame.panels += [
        CardsPanel(cards(), lambda view, ask: figures(live.snapshot(), view)),
        LiveChart("Orders by minute", by_minute, lambda: minutes(live.snapshot()), draw, classes="w8"),
        LiveChart("Where orders stand", meaning("fact_orders.order_status"), lambda: statuses(live.snapshot()),
                  draw_statuses, classes="w4"),
        LatestOrders(lambda: latest(live.snapshot()), zone, classes="w7", height=440),
        LiveMap("Where the last orders are from", meaning("fact_orders.customer_state"), last_minutes,
                classes="w5", height=440),
    ]  # fmt: skip
    _follow(frame, state)


def _unasked(query: Query) -> Rows:
    """Instead of the published version, which must not be asked in the thread that takes the events."""
    raise NotImplementedError(query.sql)


def _follow(frame: Frame, state: Any) -> None:
    """Show each new version of the live figures."""
    live = frame.sources.live
    shown = -1

    def update() -> None:
        nonlocal shown
        missing = frame.sources.live_missing() or live.error
        state.set_text(f"{missing}. Events are taken meanwhile." if missing else "")
        state.set_visibility(bool(missing))
        if live.version != shown:
            shown = live.version
            for panel in frame.panels:
                panel.show(frame.view, panel.load(frame.view, _unasked))

    frame.look(_SECONDS, update)
