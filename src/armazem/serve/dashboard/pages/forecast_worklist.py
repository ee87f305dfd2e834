"""Open orders by their risk: those that are overdue first, each with the reason in words."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.queries import Query, orders
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

TABLE = "feat_order_delivery"
NONE = "No order is on its way that matches these filters.\nTake a filter away."
_RANK = (
    "What share of the deliveries of the four months before took longer than this promise allows, relative to what "
    "was expected: good for an order of orders, no probability."
)
NAMES = {
    "overdue": "Overdue", "seller": "Seller", "lane": "Route", "market": "Last 30 days", "promise": "Short promise",
    "none": "None",
}  # fmt: skip


def reason_words(view: View, cause: str, handed: str) -> str:
    """SQL of `cause` in words, a name of REASONS: `f` is the prediction, `handed` whether the carrier has the order."""

    def days(column: str) -> str:
        text = f"format('{{:.1f}}', f.{column} / 86400.0)"
        return f"replace({text}, '.', ',')" if view.locale == "pt-BR" else text

    return (
        f"case {cause} "
        f"when 'seller' then case when {handed} then 'the seller took ' || {days('seller_effect_s')} || ' days longer "
        f"than the average to hand it over' else 'the seller is slower than the average by ' || "
        f"{days('seller_effect_s')} || ' days' end "
        "when 'lane' then 'from ' || split_part(f.lane, '-', 1) || ' to ' || split_part(f.lane, '-', 2) || "
        f"' it takes ' || {days('lane_effect_s')} || ' days longer than the average' "
        f"when 'market' then 'the last 30 days add ' || {days('market_effect_s')} || ' days on this route' "
        f"when 'promise' then 'promised ' || {days('promise_effect_s')} || ' days less than an average delivery takes' "
        "when 'none' then 'nothing makes it slower than the average' end"
    )


# What makes an order slow beside its promise having passed: by the same rule as main_reason.
LARGEST = (
    "case when greatest(f.lane_effect_s, f.market_effect_s, f.seller_effect_s, coalesce(f.promise_effect_s, 0)) <= 0 "
    "then 'none' "
    "when f.seller_effect_s >= greatest(f.lane_effect_s, f.market_effect_s, coalesce(f.promise_effect_s, 0)) "
    "then 'seller' "
    "when f.lane_effect_s >= greatest(f.market_effect_s, coalesce(f.promise_effect_s, 0)) then 'lane' "
    "when f.market_effect_s >= coalesce(f.promise_effect_s, 0) then 'market' else 'promise' end"
)


def _open(view: View, select: str, *more: Any) -> Query:
    """`select` from `open`: orders on their way in the view, whenever they were bought; `more`: its parameters."""
    handed = "coalesce(o.order_delivered_carrier_date >= o.order_purchase_timestamp, false)"
    return orders(
        view.with_(start=None, end=None),
        ", open as (select f.order_id, orders.customer_state, orders.customer_city, f.seller_id, placed, estimated, "
        "date_diff('day', cast(f.scored_at as date) - 1, cast(estimated as date)) as days_left, "
        "f.main_reason = 'overdue' as is_overdue, "
        "placed + to_seconds(f.expected_s) as expected, placed + to_seconds(f.lower_s) as earliest, "
        "placed + to_seconds(f.upper_s) as latest, "
        "f.late_permille / 1000.0 as late_probability, f.risk_permille, f.main_reason, orders.order_status, "
        f"case when f.main_reason = 'overdue' then 'overdue; ' else '' end || {reason_words(view, LARGEST, handed)} "
        f"as reason, {LARGEST} as cause from features.{TABLE} f join orders using (order_id) "
        "join marts.fact_orders o using (order_id) "
        f"where f.stage = 'today') {select}",
        *more,
    )


def worklist(view: View) -> Query:
    """By the reason that a row says: an overdue order has two, and is found by either."""
    chosen = {"": "", "overdue": "where is_overdue"}.get(view.reason, "where cause = ?")
    columns = ", ".join(column.name for column in columns_of())
    return _open(view, f"select {columns} from open {chosen}", *([view.reason] if "?" in chosen else []))


def by_risk(view: View) -> Query:
    """Overdue first, the longest of them first of all; then the most probable."""
    del view
    return Query("days_left <= 0 desc nulls last, least(days_left, 0), late_probability desc nulls last, "
                 "risk_permille desc nulls last, days_left, order_id")  # fmt: skip


def counted(view: View) -> Query:
    """How many are on their way, how many of them overdue, and how many of the others will be late by their chances."""
    return _open(
        view.with_(reason=""),
        "select count(*) as open, count(*) filter (is_overdue) as overdue, "
        "sum(late_probability) filter (not is_overdue) as late, max(-days_left) filter (is_overdue) as longest "
        "from open",
    )


def columns_of() -> tuple[Column, ...]:
    of = "fact_orders"
    return (
        Column("order_id", "Order", "text", meaning(f"{of}.order_id"), 120),
        Column("customer_state", "State", "text", meaning(f"{of}.customer_state"), 66),
        Column("seller_id", "Seller", "text", meaning(f"{TABLE}.seller_id"), 120),
        Column("placed", "Bought", "date", meaning(f"{of}.order_purchase_timestamp"), 104),
        Column("estimated", "Promised", "date", meaning(f"{of}.order_estimated_delivery_date"), 104),
        Column("days_left", "Days left", "number", "From the newest day of the data to the day promised; at 0 and "
               "below that day has passed, and the order is overdue.", 86),
        Column("expected", "Expected", "date", "The purchase and the time it is expected to take. Of an order that is "
               "late already it may have passed.", 104),
        Column("earliest", "Band from", "date", "Of ten such orders one comes before it.", 104),
        Column("latest", "Band to", "date", "Of ten such orders one comes after it.", 104),
        Column("late_probability", "Late", "percent", f"{meaning(f'{TABLE}.late_permille')} Overdue: 100 %.", 76),
        Column("risk_permille", "Rank", "number", _RANK, 70),
        Column("reason", "Reason", "text", "The largest of what makes it slow: the seller, the route, the last 30 "
               "days, a promise shorter than the average delivery.", 320),
    )  # fmt: skip


class WorklistPanel(GridPanel):
    """The worklist, with a field for the reason; a click on an order opens it."""

    reads = frozenset({"reason"})

    def __init__(self, frame: Frame) -> None:
        super().__init__(
            "Open orders by risk",
            f"{meaning(TABLE)} Orders on their way at the end of the newest day of the data, whenever they were "
            "bought: the dates of the bar do not count here.",
            worklist, columns_of(), order=by_risk, height=480, empty=NONE, name="open-orders", note=_said,
            on_row=lambda row: frame.show(order=row["order_id"]), clickable="order_id",
        )  # fmt: skip
        with self.tools:
            self._reason = ui.select(
                {"": "All reasons"} | NAMES, value=frame.view.reason or "",
                on_change=lambda event: frame.show(reason=event.value or ""),
            ).props('dense outlined options-dense aria-label="Reason"').mark("reason")  # fmt: skip

    def show(self, view: View, loaded: Any) -> None:
        self._reason.set_value(view.reason)  # Back and Forward change it too
        super().show(view, loaded)


def _said(view: View, rows: Rows) -> str:
    del rows
    reason = f"Only with the reason “{NAMES[view.reason]}”. " if view.reason else ""
    return (
        f"{reason}Overdue first, the longest first; then by probability. The rank orders them and is no probability; "
        "how well the probabilities hold is shown below. Click an order to open it."
    )
