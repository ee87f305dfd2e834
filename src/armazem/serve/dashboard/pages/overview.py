"""Overview: how much is sold, to how many, how late it comes, when and where."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from armazem.build.descriptions import meaning
from armazem.serve.dashboard import maps
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.compare import Parts, Record, Values, compared, parted, periods
from armazem.serve.dashboard.components import Ask, ChartPanel
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.options import (
    Options,
    axis,
    beside,
    dashed,
    faded,
    legend,
    point,
    records,
    scaled,
    values,
)
from armazem.serve.dashboard.periods import PARTIAL, named, note_of, on_axis
from armazem.serve.dashboard.queries import Query, orders
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_SUMS = (
    "coalesce(sum(revenue), 0) as revenue, count(*) as orders, count(distinct customer_unique_id) as customers, "
    "count(*) filter (is_late) as late, count(is_late) as delivered"
)


def cards() -> tuple[Card, ...]:
    of = "marts.fact_orders"
    return (
        Card(
            "Revenue", f"{meaning('fact_orders.revenue')} Of valid sales: neither canceled nor unavailable. From {of}."
        ),
        Card("Orders", f"Valid sales placed in the period: neither canceled nor unavailable. From {of}."),
        Card("Customers", f"People with a valid sale in the period, each counted once. From {of}."),
        Card("Average order value", f"Revenue divided by orders. From {of}."),
        Card("Late share", f"Of the orders delivered: {meaning('fact_orders.is_late')} From {of}.", more_is="bad"),
    )


EMPTY = {"revenue": Decimal(0), "orders": 0, "customers": 0, "late": 0, "delivered": 0}


def course(view: View) -> Query:
    return parted(view, "orders", _SUMS)


def figures(view: View, ask: Ask) -> Sequence[Figure]:
    """Revenue, orders, customers, average order value, late share, each against the period before."""
    form = view.format
    write = (form.compact_money, form.compact, form.compact, form.money, form.percent)
    return compared(view, Parts.of(ask(course(view)), EMPTY), EMPTY, _measures, write)


def _measures(record: Record) -> Values:
    count, delivered = record["orders"], record["delivered"]
    return [
        record["revenue"],
        Decimal(count),
        Decimal(record["customers"]),
        record["revenue"] / count if count else None,
        Decimal(record["late"]) / delivered if delivered else None,
    ]


def trend(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """Revenue as bars, orders as a line; `rows` as they are on the axis."""
    form = view.format
    found = records(rows)
    names = [form.period(row["period"], view.grain) for row in found]
    partial = [row[PARTIAL] for row in found]
    revenue, money_label = scaled([row["revenue"] for row in found], form, money=True)
    counts, count_label = scaled([row["orders"] for row in found], form)
    said = [
        f"{named(view, row['period'], view.grain, partial=row[PARTIAL])}\nRevenue {form.money(row['revenue'])}\n"
        f"Orders {form.number(row['orders'])}"
        for row in found
    ]
    line = {
        "name": "Orders",
        "type": "line",
        "yAxisIndex": 1,
        "smooth": 0.2,
        "showSymbol": len(found) < 60,
        "itemStyle": {"color": shades.series[1]},
        "data": [point(value, words) for value, words in zip(counts, said, strict=True)],
    }
    options = {
        "legend": legend(shades),
        "xAxis": axis(shades, type="category", data=names, splitLine={"show": False}),
        "yAxis": [
            values(shades, money_label),
            values(shades, count_label, splitLine={"show": False}),
        ],
        "series": [
            {
                "name": "Revenue",
                "type": "bar",
                "barMaxWidth": 38,
                "itemStyle": {"borderRadius": [3, 3, 0, 0]},
                "data": [
                    faded(point(value, words), partial=cut)
                    for value, words, cut in zip(revenue, said, partial, strict=True)
                ],
            },
            *dashed(line, partial),
        ],
    }
    return options, f"Revenue (left) and orders (right) by the time of purchase.{note_of(found)}"


def states(view: View) -> Query:
    return orders(
        view,
        "select coalesce(customer_state, 'unknown') as state, sum(revenue) as revenue, count(*) as orders, "
        "count(*) filter (is_late) as late, count(is_late) as delivered from orders group by all order by revenue desc",
    )


def by_state(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    form = view.format
    found = list(reversed(records(rows)[:12]))
    revenue, label = scaled([row["revenue"] for row in found], form, money=True)
    options = {
        "grid": {"left": 4, "right": 64, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": values(shades, label),
        "yAxis": axis(shades, type="category", data=[row["state"] for row in found]),
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 18,
                "itemStyle": {"borderRadius": [0, 3, 3, 0]},
                "data": [
                    point(
                        value,
                        f"{row['state']}\nRevenue {form.money(row['revenue'])}\nOrders {form.number(row['orders'])}",
                        label=beside(shades, form.compact(row["revenue"])),
                    )
                    for value, row in zip(revenue, found, strict=True)
                ],
            }
        ],
    }
    return options, "The twelve states that buy most." if len(rows.rows) > 12 else ""


def paid_with(view: View) -> Query:
    return orders(
        view,
        "select coalesce(main_payment_type, 'none') as payment_type, sum(revenue) as revenue, count(*) as orders "
        "from orders group by all order by revenue desc",
    )


def payments(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    form = view.format
    found = list(reversed(records(rows)))
    total = sum(row["revenue"] for row in found) or 1
    names, data = [], []
    for row in found:
        names.append(str(row["payment_type"]).replace("_", " "))
        share = form.percent(row["revenue"] / total)
        said = f"{names[-1]}\nRevenue {form.money(row['revenue'])} ({share})\nOrders {form.number(row['orders'])}"
        data.append(point(round(float(100 * row["revenue"] / total), 2), said, label=beside(shades, share)))
    options = {
        "grid": {"left": 4, "right": 56, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": values(shades, "{value}%"),
        "yAxis": axis(shades, type="category", data=names),
        "series": [{"type": "bar", "barMaxWidth": 26, "itemStyle": {"borderRadius": [0, 3, 3, 0]}, "data": data}],
    }
    return options, "Share of revenue, by the payment type that paid most of the order."


def make(frame: Frame) -> None:
    add = frame.panels.append
    add(CardsPanel(cards(), figures))
    revenue, late = meaning("fact_orders.revenue"), meaning("fact_orders.is_late")
    add(
        ChartPanel(
            "Sales trend", f"{revenue} By day, week or month of the purchase.", course, trend,
            classes="w8", of=lambda view, rows: on_axis(view, periods(rows), EMPTY),
        )
    )  # fmt: skip
    add(ChartPanel("How it was paid", meaning("fact_orders.main_payment_type"), paid_with, payments, classes="w4"))
    add(ChartPanel("Where it is sold", revenue, maps.places, maps.map_of("revenue"), classes="w4", height=440))
    add(ChartPanel("Where it comes late", late, maps.places, maps.map_of("late"), classes="w4", height=440))
    add(
        ChartPanel(
            "Revenue by state", f"{revenue} By the customer's state.", states, by_state, classes="w4", height=440
        )
    )
