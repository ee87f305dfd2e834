"""What the next days will bring: the forecast of features.feat_forecast beside the days before it, as queries."""

from __future__ import annotations

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.grids import Column
from armazem.serve.dashboard.queries import Query, orders, sales
from armazem.serve.dashboard.view import View

TABLE = "feat_forecast"
MEASURES = ("revenue", "units")
_PARTS = ("lower", "upper", "wape_pct", "coverage_pct")
_BEFORE = 56  # days that were sold, beside those to come
_AHEAD = 14
NONE = (
    "There is no forecast for these filters.\nIt is made of the whole shop, of a state or of a category, not of both "
    "together and not of a seller,\nand of four whole weeks of orders at least."
)
_NO_ITEMS = "no items"
"""The category of what was paid for orders without an item: there is nothing to filter by."""


def _of(view: View) -> tuple[str, tuple[str, ...]]:
    """The condition of the series that the view is about."""
    if view.seller or (view.state and view.category):
        return "false", ()
    if view.state:
        return "level = 'state' and customer_state = ?", (view.state,)
    if view.category:
        return "level = 'category' and product_category = ?", (view.category,)
    return "level = 'total'", ()


def course(view: View) -> Query:
    """The days before the forecast, as sold, and those of it; of each measure its value, band and past misses.

    A day counts as in the forecast: valid sales by the time of purchase. One without any is there, with 0.
    """
    condition, given = _of(view)
    nothing = ", ".join(
        f"coalesce(cast({measure} as double), 0) as {measure}, "
        + ", ".join(f"cast(null as double) as {measure}_{part}" for part in _PARTS)
        for measure in MEASURES
    )
    ahead = ", ".join(f"cast({measure}_{part} as double)" for measure in MEASURES for part in ("forecast", *_PARTS))
    return orders(
        view.with_(start=None, end=None, seller=""),
        f", ahead as (select * from features.{TABLE} where {condition}), "
        f"bounds as (select min(forecast_date) as first_day, greatest(min(forecast_date) - {_BEFORE}, "
        "(select cast(min(order_purchase_timestamp) as date) from marts.fact_orders where is_valid_sale)) as since "
        "from ahead), "
        "sold as (select cast(placed as date) as day, sum(revenue) as revenue, sum(items) as units from orders "
        "where placed >= (select since from bounds) and placed < (select first_day from bounds) group by 1), "
        "calendar as (select cast(unnest(generate_series(since, first_day - 1, interval 1 day)) as date) as day "
        "from bounds where since is not null) "
        f"select day, false as is_forecast, {nothing}, null as backtests from calendar left join sold using (day) "
        f"union all select forecast_date, true, {ahead}, backtests from ahead order by day",
        *given,
    )


def days(view: View) -> Query:
    """The days of the forecast alone."""
    condition, given = _of(view)
    columns = ", ".join(f"{measure}_{part}" for measure in MEASURES for part in ("forecast", "lower", "upper"))
    return Query(
        f"select forecast_date, dayname(forecast_date) as weekday, {columns} from features.{TABLE} where {condition}",
        given,
    )


def day_columns() -> tuple[Column, ...]:
    def text(name: str) -> str:
        return meaning(f"{TABLE}.{name}")

    return (
        Column("forecast_date", "Day", "date", text("forecast_date"), 110),
        Column("weekday", "Weekday", "text", "", 110),
        Column("revenue_forecast", "Revenue", "money", text("revenue_forecast"), 130),
        Column("revenue_lower", "From", "money", text("revenue_lower"), 130),
        Column("revenue_upper", "To", "money", text("revenue_upper"), 130),
        Column("units_forecast", "Units", "days", text("units_forecast")),
        Column("units_lower", "From", "days", text("units_lower")),
        Column("units_upper", "To", "days", text("units_upper")),
    )


_SUMS = (
    f", first as (select min(forecast_date) as day from features.{TABLE}), "
    "sold as (select {by} as name, sum({revenue}) as revenue from {rows} where {placed} >= (select day from first) "
    f"- {_AHEAD} and {{placed}} < (select day from first) group by 1), "
    "ahead as (select {by_ahead} as name, sum(revenue_forecast) as revenue, sum(units_forecast) as units, "
    "round(any_value(revenue_wape_pct) / 100, 4) as revenue_off, "
    "round(any_value(revenue_coverage_pct) / 100, 4) as in_band "
    f"from features.{TABLE} where level = '{{level}}' group by 1) "
    "select ahead.name, ahead.revenue, {before} as revenue_before, "
    "round(cast(ahead.revenue as double) / nullif({before}, 0) - 1, 4) as change, ahead.units, revenue_off, in_band "
    "from ahead left join sold on ahead.name = sold.name"
)


def by_state(view: View) -> Query:
    """The sum of the forecast of each state, beside as many days before it; of the whole shop."""
    del view
    return orders(
        View(),
        _SUMS.format(
            by="coalesce(customer_state, 'unknown')", by_ahead="coalesce(customer_state, 'unknown')", level="state",
            rows="orders", placed="placed", revenue="revenue", before="coalesce(sold.revenue, 0)",
        ),
    )  # fmt: skip


def by_category(view: View) -> Query:
    """The same of each category; what was paid for no item is no sale of one, and has no days before it."""
    del view
    before = f"case when ahead.name != '{_NO_ITEMS}' then coalesce(sold.revenue, 0) end"
    return sales(
        View(),
        _SUMS.format(
            by="category", by_ahead="product_category", level="category", rows="sales",
            placed="order_purchase_timestamp", revenue="payment_value", before=before,
        ),
    )  # fmt: skip


def sum_columns(label: str) -> tuple[Column, ...]:
    revenue = meaning(f"{TABLE}.revenue_forecast")
    return (
        Column("name", label, "text", "", 150),
        Column("revenue", "Revenue", "money", f"Of the 14 days. {revenue}", 130),
        Column("revenue_before", "Before", "money", "Revenue of the 14 days before the forecast.", 130),
        Column("change", "Change", "percent", "Of the forecast against the 14 days before it."),
        Column("units", "Units", "days", f"Of the 14 days. {meaning(f'{TABLE}.units_forecast')}"),
        Column("revenue_off", "Off by", "percent", meaning(f"{TABLE}.revenue_wape_pct")),
        Column("in_band", "In band", "percent", meaning(f"{TABLE}.revenue_coverage_pct")),
    )


def filter_of(name: str) -> str:
    """What to filter by for a row of these tables; empty where there is nothing."""
    return "" if name in (_NO_ITEMS, "unknown") else name
