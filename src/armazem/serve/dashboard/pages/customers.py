"""Customers: how many there are, how many are new, who comes back when, and what they spend where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nicegui import ui

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.compare import PARTS, Parts, Record, Values, before_too, compared
from armazem.serve.dashboard.components import Ask, ChartPanel
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.pages import customer_charts as charts
from armazem.serve.dashboard.periods import PARTIAL, cut_by_data, months_later
from armazem.serve.dashboard.queries import Query, orders
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_EVER = "select customer_unique_id, {} from marts.fact_orders where is_valid_sale"
_PER_CUSTOMER = (
    "select customer_unique_id, count(*) as orders, sum(revenue) as revenue from orders group by customer_unique_id"
)
_SUMS = (
    "count(*) as customers, coalesce(sum(p.orders), 0) as orders, coalesce(sum(p.revenue), 0) as revenue, "
    "count(*) filter (p.orders > 1) as repeat_customers"
)


def cards() -> tuple[Card, ...]:
    of = "From marts.fact_orders."
    new = "Of these customers, those whose first valid sale ever, of anything and anywhere, lies in the period."
    return (
        Card("Customers", f"People with a valid sale in the period, each counted once. {of}"),
        Card("New customers", f"{new} {of}"),
        Card("Repeat rate", f"Share of the customers with two or more valid sales in the period. {of}"),
        Card("Orders per customer", f"Valid sales divided by customers, both of the period. {of}"),
        Card("Average order value", f"{meaning('agg_avg_order_value_city_state.avg_order_value')} {of}"),
    )


EMPTY = {"customers": 0, "orders": 0, "revenue": Decimal(0), "repeat_customers": 0, "new_customers": 0}


def course(view: View) -> Query:
    """As `parted` gives them. New is who had no valid sale of anything before the part began."""
    wide, now, either, parameters = before_too(view)
    starts = {"whole": view.start, "before": wide.start}
    began = " ".join(f"when '{part}' then {'cast(? as date)' if start else 'null'}" for part, start in starts.items())
    firsts = _EVER.format("cast(min(order_purchase_timestamp) as date) as first")
    return orders(
        wide,
        f", p as (select {PARTS}, customer_unique_id, count(*) as orders, sum(revenue) as revenue "
        f"from (select *, {now} as is_now from orders) where {either} "
        "group by grouping sets ((is_now, customer_unique_id), (is_now, period, customer_unique_id)) "
        f"having is_now or grouping(period) = 1), firsts as ({firsts} group by customer_unique_id) "
        f"select part, period, {_SUMS}, "
        f"count(*) filter (first >= coalesce(case part {began} else period end, first)) as new_customers "
        "from p join firsts using (customer_unique_id) group by part, period order by part, period",
        *parameters,
        *filter(None, starts.values()),
    )


def figures(view: View, ask: Ask) -> Sequence[Figure]:
    """One for each card, against the period before."""
    form = view.format
    write = (form.compact, form.compact, form.percent, lambda value: form.number(value, 3), form.money)
    return compared(view, Parts.of(ask(course(view)), EMPTY), EMPTY, _measures, write)


def _measures(record: Record) -> Values:
    customers, count = Decimal(record["customers"]), Decimal(record["orders"])
    return [
        customers,
        Decimal(record["new_customers"]),
        Decimal(record["repeat_customers"]) / customers if customers else None,
        count / customers if customers else None,
        record["revenue"] / count if count else None,
    ]


def growth(view: View) -> Query:
    """Whole months of the period. The KPI table knows no filter but the dates: with others it is computed here."""
    conditions, limits = ["true"], []
    if view.start:
        conditions.append("month >= date_trunc('month', cast(? as date))")
        limits.append(view.start)
    if view.end:
        conditions.append("month <= cast(? as date)")
        limits.append(view.end)
    shown = (
        "select month, new_customers, returning_customers, cumulative_customers from {} where "
        f"{' and '.join(conditions)} order by month"
    )
    if not (view.state or view.by_item):
        return Query(shown.format("kpis.agg_monthly_growth"), tuple(limits))
    firsts = _EVER.format(
        "cast(date_trunc('month', min(order_purchase_timestamp)) as date) as first, "
        "cast(max(order_purchase_timestamp) as date) as last"
    )
    return orders(
        replace(view, start=None, end=None),
        f", firsts as ({firsts} group by customer_unique_id), "
        "months as (select distinct month_start as month from marts.dim_dates "
        "where month_start between (select min(first) from firsts) and (select max(last) from firsts)), "
        "active as (select distinct customer_unique_id, cast(date_trunc('month', placed) as date) as month "
        "from orders), "
        "counted as (select month, count(*) as active, count(*) filter (first = month) as new "
        "from active join firsts using (customer_unique_id) group by month), "
        "growth as (select month, coalesce(new, 0) as new_customers, "
        "coalesce(active - new, 0) as returning_customers, "
        "sum(coalesce(new, 0)) over (order by month) as cumulative_customers "
        f"from months left join counted using (month)) {shown.format('growth')}",
        *limits,
    )


def with_partial(view: View, rows: Rows) -> Rows:
    """The rows with whether the data cover their month in part only: of a cohort the month that it came back in."""
    month = rows.columns.index("month" if "month" in rows.columns else "cohort_month")
    since = rows.columns.index("months_since_first") if "months_since_first" in rows.columns else None
    kept = (
        (*row, cut_by_data(view, row[month] if since is None else months_later(row[month], row[since]), "month"))
        for row in rows.rows
    )
    return Rows((*rows.columns, PARTIAL), tuple(kept))


def cohorts(view: View) -> Query:
    """Cohorts of the period and their months up to its end."""
    conditions: list[str] = ["true"]
    parameters: list[Any] = []
    if view.start:
        conditions.append("cohort_month >= date_trunc('month', cast(? as date))")
        parameters.append(view.start)
    if view.end:
        conditions.append("cohort_month + to_months(cast(months_since_first as integer)) <= cast(? as date)")
        parameters.append(view.end)
    return Query(
        "select cohort_month, months_since_first, cohort_size, retained_customers, retention_rate_pct "
        f"from kpis.agg_retained_customers_over_month where {' and '.join(conditions)} "
        "order by cohort_month, months_since_first",
        tuple(parameters),
    )


def frequency(view: View) -> Query:
    return orders(
        view,
        f", p as ({_PER_CUSTOMER}) select least(orders, 4) as times, count(*) as customers, sum(orders) as orders, "
        "sum(revenue) as revenue from p group by times order by times",
    )


def places(level: str) -> Any:
    """The query of the states, or of the cities: customers are counted per place, as in the KPI tables."""
    place = "customer_state, customer_city" if level == "city" else "customer_state"
    named = "coalesce(customer_state, 'unknown') as state" + (", customer_city as city" if level == "city" else "")

    def query(view: View) -> Query:
        return orders(
            view,
            f", p as (select {place}, customer_unique_id, count(*) as orders, sum(revenue) as revenue from orders "
            f"group by all) select {named}, count(*) as customers, "
            "sum(orders) as orders, sum(revenue) as revenue, "
            "cast(sum(revenue) / sum(orders) as decimal(18, 2)) as avg_order_value, "
            "cast(sum(orders) / count(*) as decimal(18, 4)) as purchase_frequency, "
            "count(*) filter (orders > 1) / count(*) as repeat_rate "
            f"from p group by {place} order by sum(orders) desc, sum(revenue) desc, {place}",
        )

    return query


_BY_ORDERS = {level: f"orders desc, revenue desc, {level}, state" for level in ("state", "city")}


class PlacesPanel(GridPanel):
    """A table of states or cities, whichever the switch says."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._level = "state"
        value, often = "agg_avg_order_value_city_state", "agg_customer_purchase_frequency"
        city = Column("city", "City", meaning=meaning(f"{value}.customer_city"), width=150)
        columns = (
            Column("state", "State", meaning=meaning(f"{value}.customer_state")),
            Column("customers", "Customers", "number", meaning(f"{value}.customers"), 115),
            Column("orders", "Orders", "number", meaning(f"{value}.orders")),
            Column("revenue", "Revenue", "money", meaning(f"{value}.revenue"), 135),
            Column("avg_order_value", "Order value", "money", meaning(f"{value}.avg_order_value"), 120),
            Column("purchase_frequency", "Frequency", "ratio", meaning(f"{often}.purchase_frequency"), 110),
            Column("repeat_rate", "Repeat rate", "percent", meaning(f"{often}.repeat_rate_pct"), 115),
        )
        self._by_level = {"state": columns, "city": (columns[0], city, *columns[1:])}
        words = f"{meaning(value)} {meaning(f'{value}.avg_order_value')} {meaning(f'{often}.purchase_frequency')}"
        super().__init__(
            "Order value by place", words, lambda view: places(self._level)(view), columns,
            order=lambda view: Query(_BY_ORDERS[self._level]), classes="w7", height=460, note=self._said,
        )  # fmt: skip
        with self.tools:
            ui.toggle({"state": "States", "city": "Cities"}, value="state").props(
                'dense unelevated no-caps aria-label="States or cities"'
            ).on_value_change(lambda event: self._switch(event.value)).mark("level")

    async def _switch(self, level: str) -> None:
        self._level, self._columns = level, self._by_level[level]
        self._begin_anew()
        await self.refresh(self._frame.view, self._frame.sources.ask)

    def _said(self, _: View, rows: Rows) -> str:
        del rows
        return "Somebody who buys in two places is a customer of both."


def make(frame: Frame) -> None:
    add = frame.panels.append
    add(CardsPanel(cards(), figures))
    grown, kept = "agg_monthly_growth", "agg_retained_customers_over_month"
    often = "agg_customer_purchase_frequency"
    words = f"New: {meaning(f'{grown}.new_customers')} Returning: {meaning(f'{grown}.returning_customers')}"
    add(
        ChartPanel(
            "New and returning customers", words, growth, charts.draw_growth, classes="w8", height=340, of=with_partial
        )
    )
    add(
        ChartPanel(
            "How often they buy", meaning(f"{often}.purchase_frequency"), frequency, charts.draw_frequency,
            classes="w4", height=340,
        )
    )  # fmt: skip
    add(
        ChartPanel(
            "Who comes back", f"{meaning(kept)} {meaning(f'{kept}.retention_rate_pct')}", cohorts, charts.draw_cohorts,
            of=with_partial, height=480, name="retention",
        )
    )  # fmt: skip
    add(
        ChartPanel(
            "Order value by state", meaning("agg_avg_order_value_city_state.avg_order_value"), places("state"),
            charts.draw_order_values, classes="w5", height=460,
            on_click=lambda event: frame.show(state=str(event.name)),
        )
    )  # fmt: skip
    add(PlacesPanel(frame))
