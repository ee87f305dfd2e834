"""Products: what sells most, when, and of which category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from armazem.build.descriptions import meaning
from armazem.kpis.measures import CATEGORY
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.compare import Parts, Record, Values, compared, parted
from armazem.serve.dashboard.components import Ask, ChartPanel
from armazem.serve.dashboard.formats import NOTHING
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.options import Options, axis, beside, faded, legend, point, records, values
from armazem.serve.dashboard.paging import SIZE, Wanted
from armazem.serve.dashboard.periods import PARTIAL, axis_of, named, note_of
from armazem.serve.dashboard.queries import Query, sales
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_BEST = 5
_CATEGORIES = 11
_SUMS = (
    "count(distinct product_id) as products, count(*) as units, coalesce(sum(price), 0) as gmv, "
    "coalesce(sum(payment_value), 0) as revenue"
)
# Most units first, as kpis.agg_top_selling_products ranks.
_ORDER = "units desc, revenue desc, product_id"
_PRODUCTS = (
    "select product_id, count(*) as units, sum(price) as gmv, sum(payment_value) as revenue "
    "from sales group by product_id"
)


def cards() -> tuple[Card, ...]:
    of = "Of valid sales. From marts.fact_sales."
    return (
        Card("Products sold", f"Products of which at least one unit was sold. {of}"),
        Card("Units sold", f"{meaning('agg_top_selling_products.units')} {of}"),
        Card("GMV", f"Gross merchandise value, without freight. {meaning('fact_orders.gmv')} {of}"),
        Card("Revenue per unit", f"Revenue divided by units. {meaning('agg_top_selling_products.revenue')} {of}"),
        Card(
            "Top category's share",
            "Share of revenue that the category with most revenue has; with a category in the filter, its share. " + of,
            more_is="neither",
        ),
    )


EMPTY = {"products": 0, "units": 0, "gmv": Decimal(0), "revenue": Decimal(0)}


def course(view: View) -> Query:
    return parted(view, "sales", _SUMS)


def _measures(record: Record) -> Values:
    units = record["units"]
    per_unit = record["revenue"] / units if units else None
    return [record["products"], units, record["gmv"], per_unit]


def figures(view: View, ask: Ask) -> Sequence[Figure]:
    form = view.format
    write = (form.compact, form.compact, form.compact_money, form.money)
    found = compared(view, Parts.of(ask(course(view)), EMPTY), EMPTY, _measures, write)
    return [*found, _top_category(view, records(ask(categories(view))))]


def _top_category(view: View, found: Sequence[Any]) -> Figure:
    total = sum(row["revenue"] for row in found)
    top = next((row for row in found if view.category in ("", row["category"])), None)
    if top is None or not total:
        return Figure(NOTHING)
    return Figure(view.format.percent(top["revenue"] / total), note=spoken(top["category"]))


def spoken(category: object) -> str:
    """A category as one says it: bed bath table."""
    return str(category).replace("_", " ")


def best_over_time(view: View) -> Query:
    """The products with most units in the view: a row for each and each period with a sale of anything."""
    return sales(
        view,
        f", best as (select *, row_number() over (order by {_ORDER}) as place from "
        f"(select * from ({_PRODUCTS}) order by {_ORDER} limit {_BEST})), "
        "sold as (select product_id, period, count(*) as units, sum(payment_value) as revenue "
        "from sales where product_id in (select product_id from best) group by product_id, period) "
        f"select period, place, product_id, {CATEGORY} as category, coalesce(sold.units, 0) as units, "
        "coalesce(sold.revenue, 0) as revenue from (select distinct period from sales) cross join best "
        "left join sold using (product_id, period) left join marts.dim_products p using (product_id) "
        "order by period, place",
        category=False,
    )


_SOLD_NONE = {"units": 0, "revenue": Decimal(0)}
on_time_axis = axis_of(_SOLD_NONE, ("place", "product_id", "category"))


def over_time(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """Stacked bars, a colour a product."""
    form = view.format
    found = records(rows)
    periods = list(dict.fromkeys(row["period"] for row in found))
    names = {period: form.period(period, view.grain) for period in periods}
    places = {row["place"]: row for row in found}
    stacks = Counter[Any]()
    for row in found:
        stacks[row["period"]] += row["units"]
    size, unit = form.unit(max(stacks.values()))
    series = []
    for place, product in sorted(places.items()):
        data = []
        for row in found:
            if row["place"] != place:
                continue
            period = named(view, row["period"], view.grain, partial=row[PARTIAL])
            said = (
                f"{period}\n{row['product_id']}\n{spoken(row['category'])}\n"
                f"Units {form.number(row['units'])}\nRevenue {form.money(row['revenue'])}"
            )
            data.append(faded(point(row["units"] / size, said), partial=row[PARTIAL]) if row["units"] else None)
        # The place keeps apart two products that are written alike.
        name = f"{place}. {str(product['product_id'])[:8]} {spoken(product['category'])}"
        series.append({"name": name, "type": "bar", "stack": "units", "barMaxWidth": 38, "data": data})
    options = {
        "legend": legend(
            shades,
            left=0,
            right="auto",
            itemWidth=14,
            textStyle={"color": shades.text, "width": 142, "overflow": "truncate"},
        ),
        "grid": {"left": 8, "right": 12, "top": 60, "bottom": 4, "containLabel": True},
        # The names of five products stand beside each other, in two rows, or on a phone below each other.
        "media": [
            {"query": {"minWidth": 880}, "option": {"grid": {"top": 38}, "legend": {"orient": "horizontal"}}},
            {"query": {"maxWidth": 500}, "option": {"grid": {"top": 108}, "legend": {"orient": "vertical"}}},
            {"option": {"grid": {"top": 60}, "legend": {"orient": "horizontal"}}},
        ],
        "xAxis": axis(shades, type="category", data=list(names.values()), splitLine={"show": False}),
        "yAxis": values(shades, f"{{value}}{unit}"),
        "series": series,
    }
    which = f"The {len(series)} products with most units" if len(series) > 1 else "The one product"
    return options, f"{which} in this view, by the time of purchase.{note_of(found)}"


def categories(view: View) -> Query:
    """All of them, also where one is in the filter: its share is of the whole."""
    return sales(
        view.with_(category=""),
        "select category, count(*) as units, sum(payment_value) as revenue from sales "
        "group by category order by revenue desc, category",
    )


def shares(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """The largest categories and the one in the filter; the rest in one bar."""
    form = view.format
    found = records(rows)
    total = sum(row["revenue"] for row in found) or 1
    shown = [row for at, row in enumerate(found) if at < _CATEGORIES or row["category"] == view.category]
    rest = [row for row in found if row not in shown]
    bars = [(spoken(row["category"]), str(row["category"]), row["units"], row["revenue"]) for row in shown]
    if rest:
        units, revenue = sum(row["units"] for row in rest), sum((row["revenue"] for row in rest), Decimal(0))
        bars.append((f"{form.number(len(rest))} others", "", units, revenue))
    bars.reverse()
    data = []
    for name, category, units, revenue in bars:
        share = form.percent(revenue / total)
        said = f"{name}\nRevenue {form.money(revenue)} ({share})\nUnits {form.number(units)}"
        picked = category and view.category in ("", category)
        data.append(
            point(
                float(revenue),
                said,
                category=category,
                itemStyle={"color": shades.first if picked else shades.faint, "borderRadius": [0, 3, 3, 0]},
                label=beside(shades, share),
            )
        )
    options = {
        "grid": {"left": 4, "right": 52, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": axis(
            shades,
            type="category",
            data=[bar[0] for bar in bars],
            axisLabel={"color": shades.muted, "width": 120, "overflow": "truncate", "interval": 0},
        ),
        "series": [{"type": "bar", "barMaxWidth": 20, "data": data}],
    }
    return options, "Share of revenue. Click a bar to filter by it" + (", once more for all." if view.category else ".")


def ranked(view: View, more: str, columns: str, wanted: Wanted | None = None) -> Query:
    """The table. `more`: other tables by product_id, from the CTE `best`, to join; `columns` of all of them.

    `wanted`: that page alone, and how many rows there are; else all of it.
    """
    with_more, join = (more, "join more using (product_id)") if more else ("", "")
    # Ranked last: all of the products would take as long as the rest.
    rank = f"row_number() over (order by {_ORDER}) + {wanted.offset if wanted else 0}"
    selected = columns.format(category=CATEGORY, share="cast(revenue as double) / nullif(total, 0)", rank=rank)
    page = f" order by {_ORDER} limit {SIZE} offset {wanted.offset}" if wanted else ""
    return sales(
        view,
        f", best as (select *, sum(revenue) over () as total, count(*) over () as products from ({_PRODUCTS}){page})"
        f"{with_more} select {selected}{', products' if wanted else ''} from best {join} "
        f"left join marts.dim_products p using (product_id) order by {_ORDER}",
        category=False,
    )


def best(view: View, wanted: Wanted | None = None) -> Query:
    """An order counts once for a product, and so does its review."""
    return ranked(
        view,
        ", bought as (select distinct product_id, order_id from sales "
        "where product_id in (select product_id from best)), "
        "more as (select product_id, count(*) as orders, avg(review_score) as review_score "
        "from bought left join marts.fact_orders using (order_id) group by product_id)",
        "{rank} as rank, product_id, {category} as category, units, orders, gmv, revenue, {share} as share, "
        "review_score",
        wanted,
    )


BY_UNITS = Query(_ORDER)


def columns() -> tuple[Column, ...]:
    of = "agg_top_selling_products"
    return (
        Column("rank", "Rank", "number", meaning(f"{of}.units_rank"), 60),
        Column("product_id", "Product", "text", meaning(f"{of}.product_id"), 110),
        Column("category", "Category", "text", meaning(f"{of}.product_category"), 215),
        Column("units", "Units", "number", meaning(f"{of}.units"), 70),
        Column("orders", "Orders", "number", meaning(f"{of}.orders")),
        Column("gmv", "GMV", "money", meaning(f"{of}.gmv"), 110),
        Column("revenue", "Revenue", "money", meaning(f"{of}.revenue"), 110),
        Column("share", "Share", "percent", "Of the revenue of all products in this view.", 74),
        Column("review_score", "Review", "decimal", "Mean score of its orders' newest reviews, from 1 to 5."),
    )


def make(frame: Frame) -> None:
    add = frame.panels.append

    async def pick(category: str) -> None:
        if category:  # the bar of the others has none
            await frame.show(category="" if category == frame.view.category else category)

    units, revenue = meaning("agg_top_selling_products.units"), meaning("agg_top_selling_products.revenue")
    add(CardsPanel(cards(), figures))
    add(
        ChartPanel(
            "Top sellers over time",
            f"{units} Of the {_BEST} products with most units in this view, by day, week or month of the purchase.",
            best_over_time, over_time, classes="w8", height=400, of=on_time_axis,
        )
    )  # fmt: skip
    add(
        ChartPanel(
            "Category share",
            f"{meaning('agg_top_selling_products.product_category')} {revenue} By category, of all categories.",
            categories, shares, classes="w4", height=400, on_click=lambda event: pick(event.data["category"]),
        )
    )  # fmt: skip
    add(
        GridPanel(
            "Best-selling products",
            f"{meaning('agg_top_selling_products')} Here for the view of the filters, by units.",
            best, columns(), order=lambda view: BY_UNITS, first=best, height=480, clickable="category",
            on_row=lambda row: pick(row["category"]),
            note=lambda view, rows: "Products by units. Click a category to "
            + ("see all again." if view.category else "filter by it."),
        )
    )  # fmt: skip
