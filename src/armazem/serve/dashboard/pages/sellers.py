"""Sellers: how much each sells, how long its parcels take, and one of them closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nicegui import ui

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.compare import Parts, Record, Values, compared, parted
from armazem.serve.dashboard.components import Ask, ChartPanel, Panel
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.pages import products
from armazem.serve.dashboard.pages.sellers_delivery import (
    AVERAGE,
    FEWEST,
    deliveries,
    histogram,
    place_of,
    scatter,
)
from armazem.serve.dashboard.paging import Wanted
from armazem.serve.dashboard.queries import Query, known_seller, orders, sales
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_SOLD = "count(distinct seller_id) as sellers, coalesce(sum(payment_value), 0) as revenue"
_DELIVERED = f"count(*) as orders, {AVERAGE}, count(*) filter (is_late) as late, count(is_late) as delivered"
_NO_LATE = "No order that matches these filters came late."
_HINT = "Click a seller in a table or a chart to see its own figures, products and late orders."


def cards() -> tuple[Card, ...]:
    of = "Of valid sales. From marts."
    return (
        Card("Active sellers", f"Sellers with at least one unit sold in the period. {of}fact_sales."),
        Card("Orders", f"Valid sales placed in the period. {of}fact_orders."),
        Card("Revenue per seller", f"{meaning('agg_sales_by_seller.revenue')} Per active seller. {of}fact_sales."),
        Card(
            "Days to deliver",
            f"{meaning('agg_avg_delivery_time_seller.marketplace_avg_days')} Here of those in the view.",
            more_is="bad",
        ),
        Card("Late share", f"Of the orders delivered: {meaning('fact_orders.is_late')} {of}fact_orders.", "bad"),
    )


NONE_SOLD = {"sellers": 0, "revenue": Decimal(0)}
NONE_DELIVERED = {"orders": 0, "days_to_deliver": None, "late": 0, "delivered": 0}


def sold(view: View) -> Query:
    return parted(view, "sales", _SOLD)


def delivered(view: View) -> Query:
    return parted(view, "orders", _DELIVERED)


def figures(view: View, ask: Ask) -> Sequence[Figure]:
    of_sales, of_orders = Parts.of(ask(sold(view)), NONE_SOLD), Parts.of(ask(delivered(view)), NONE_DELIVERED)
    by_period = {record["period"]: record for record in of_sales.periods}
    parts = Parts(
        {**of_sales.whole, **of_orders.whole},
        {**of_sales.before, **of_orders.before},
        [{**by_period.get(record["period"], NONE_SOLD), **record} for record in of_orders.periods],
    )
    form = view.format
    write = (form.compact, form.compact, form.compact_money, form.days, form.percent)
    return compared(view, parts, {**NONE_SOLD, **NONE_DELIVERED}, _measures, write)


def _measures(record: Record) -> Values:
    sellers, delivered = record["sellers"], record["delivered"]
    return [
        sellers,
        record["orders"],
        record["revenue"] / sellers if sellers else None,
        record["days_to_deliver"],
        record["late"] / delivered if delivered else None,
    ]


def scores(view: View) -> Query:
    """The scorecard of all sellers, the one in the filter first: one sees where it stands.

    An order counts once for each of its sellers, whatever it has of them.
    """
    return sales(
        view.with_(seller=""),
        ", parts as (select seller_id, order_id, any_value(seller_city) as city, any_value(seller_state) as state, "
        "count(*) as units, sum(payment_value) as revenue from sales group by seller_id, order_id), "
        "orders as (select order_id, order_purchase_timestamp as placed, order_delivered_customer_date as delivered, "
        "order_status, is_late, review_score from marts.fact_orders), "
        "sellers as (select seller_id, any_value(city) as seller_city, any_value(state) as seller_state, "
        f"count(*) as orders, cast(sum(units) as bigint) as units, sum(revenue) as revenue, {AVERAGE}, "
        "cast(count(*) filter (is_late) as double) / nullif(count(is_late), 0) as late_rate, "
        "avg(review_score) as review_score from parts join orders using (order_id) group by seller_id) "
        "select row_number() over (order by revenue desc, seller_id) as rank, seller_id, seller_city, seller_state, "
        "orders, units, revenue, cast(revenue as double) / nullif(sum(revenue) over (), 0) as share, days_to_deliver, "
        f"late_rate, review_score from sellers order by seller_id = ? desc, rank",
        view.seller,
        category=False,
    )


def own_first(view: View) -> Query:
    return Query("seller_id = ? desc, rank", (view.seller,))


def score_columns() -> tuple[Column, ...]:
    of, days = "agg_sales_by_seller", "agg_avg_delivery_time_seller"
    return (
        Column("rank", "Rank", "number", meaning(f"{of}.revenue_rank"), 64),
        Column("seller_id", "Seller", "text", meaning(f"{of}.seller_id"), 150),
        Column("seller_city", "City", "text", meaning(f"{of}.seller_city"), 130),
        Column("seller_state", "State", "text", meaning(f"{of}.seller_state"), 80),
        Column("orders", "Orders", "number", meaning(f"{of}.orders")),
        Column("units", "Units", "number", meaning(f"{of}.units")),
        Column("revenue", "Revenue", "money", meaning(f"{of}.revenue"), 130),
        Column("share", "Share", "percent", "Of the revenue of all sellers in this view."),
        Column("days_to_deliver", "Days to deliver", "days", meaning(f"{days}.avg_days_to_deliver"), 130),
        Column("late_rate", "Late", "percent", f"{meaning(f'{days}.late_rate_pct')} Of those delivered."),
        Column("review_score", "Review", "decimal", "Mean score of its orders' newest reviews, from 1 to 5."),
    )


def best(view: View, wanted: Wanted | None = None) -> Query:
    return products.ranked(view, "", "product_id, {category} as category, units, revenue, {share} as share", wanted)


def best_columns() -> tuple[Column, ...]:
    kept = ("product_id", "category", "units", "revenue", "share")
    found = (column for column in products.columns() if column.name in kept)
    return tuple(replace(column, width=130) if column.name == "category" else column for column in found)


def late(view: View) -> Query:
    return orders(
        view,
        "select order_id, placed, delivered, estimated, "
        "date_diff('day', cast(estimated as date), cast(delivered as date)) as days_late, customer_city, "
        "customer_state, revenue from orders where is_late order by placed desc, order_id",
    )


def late_columns() -> tuple[Column, ...]:
    of = "fact_orders"
    return (
        Column("order_id", "Order", "text", meaning(f"{of}.order_id"), 92),
        Column("placed", "Placed", "date", meaning(f"{of}.order_purchase_timestamp"), 104),
        Column("delivered", "Delivered", "date", meaning(f"{of}.order_delivered_customer_date"), 104),
        Column("estimated", "Estimated", "date", meaning(f"{of}.order_estimated_delivery_date"), 104),
        Column("days_late", "Days late", "number", "From the date estimated to the date delivered.", 86),
        Column("customer_city", "City", "text", meaning(f"{of}.customer_city"), 110),
        Column("customer_state", "State", "text", meaning(f"{of}.customer_state"), 60),
        Column("revenue", "Revenue", "money", f"{meaning(f'{of}.revenue')} Of a seller in the filter, its part.", 96),
    )


class SellerLine(Panel):
    """Which seller the page is about, or how to pick one; of the same height in both cases."""

    def __init__(self, frame: Frame) -> None:
        with ui.element("div").classes("titlerow who"):
            self._title = ui.label("All sellers").classes("pagetitle").props("role=heading aria-level=1")
            self._words = ui.label(_HINT).classes("sub").style("overflow-wrap:anywhere").props("role=status")
            self._all = ui.button("All sellers", icon="close", color=None, on_click=lambda: frame.show(seller=""))
            self._all.props("flat dense no-caps").set_visibility(False)

    def load(self, view: View, ask: Ask) -> Rows | None:
        return ask(known_seller(view.seller)) if view.seller else None

    def show(self, view: View, loaded: Rows | None) -> None:
        self._all.set_visibility(bool(view.seller))
        title, words = said_of(view, loaded)
        self._title.set_text(title)
        self._words.set_text(words)

    def fail(self, reason: str) -> None:
        self._words.set_text(reason)


def said_of(view: View, found: Rows | None) -> tuple[str, str]:
    if found is None:
        return "All sellers", _HINT
    if not found.rows:
        return (
            "No such seller",
            f"Nothing published knows a seller {view.seller}. Check the id, or pick one below.",
        )
    return place_of(*found.rows[0]), f"Seller {view.seller}"


def make(frame: Frame) -> None:
    add = frame.panels.append

    def pick(seller: str) -> Any:
        return frame.show(seller=seller)

    rule = f"{meaning('agg_avg_delivery_time_seller.is_outlier')} Of all sellers in this view."
    average = meaning("agg_avg_delivery_time_seller.avg_days_to_deliver")
    add(SellerLine(frame))
    add(CardsPanel(cards(), figures))
    few = f"No seller has {FEWEST} delivered orders that match these filters.\nWiden the dates or take a filter away."
    add(
        ChartPanel(
            "Delivery outliers", f"{average} Against delivered orders. Outlier: {rule}", deliveries, scatter,
            classes="w8", height=360, empty=few, on_click=lambda event: pick(event.data[3]),
        )
    )  # fmt: skip
    add(
        ChartPanel(
            "How long sellers take", f"{average} Outlier: {rule}", deliveries, histogram,
            classes="w4", height=360, empty=few,
        )
    )  # fmt: skip
    add(
        GridPanel(
            "Scorecard", f"{meaning('agg_sales_by_seller')} Here for the view of the filters, by revenue.",
            scores, score_columns(), order=own_first, height=400, on_row=lambda row: pick(row["seller_id"]),
            note=lambda view, rows: "Sellers by revenue."
            + (" The one in the filter first." if rows.rows[0][1] == view.seller else " Click a row for its seller."),
        )
    )  # fmt: skip
    add(
        GridPanel(
            "Products sold", f"{meaning('agg_top_selling_products')} Here for the seller and the view, by units.",
            best, best_columns(), order=lambda view: products.BY_UNITS, first=best, classes="w5", height=360,
            note=lambda view, rows: f"Products of {_whose(view)} by units.",
        )
    )  # fmt: skip
    add(
        GridPanel(
            "Late orders", f"{meaning('fact_orders.is_late')} Newest first.", late, late_columns(),
            order=lambda view: Query("placed desc, order_id"), classes="w7",
            height=360, empty=_NO_LATE,
            note=lambda view, rows: f"Late orders of {_whose(view)}, newest first.",
        )
    )  # fmt: skip


def _whose(view: View) -> str:
    return "this seller" if view.seller else "all sellers"
