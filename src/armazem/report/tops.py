"""What sold best on a day: categories, sellers and states, by revenue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from armazem.kpis.measures import CATEGORY
from armazem.report.figures import Days, on_days, ratio
from armazem.targets.base import Target

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Top:
    """One of those that sold most. `place`: of a seller, where it is. `orders`: valid sales with something of it.

    `share_pct`: of the revenue of the day. `week_before`, `year_before`: its revenue then; None where the data do not
    reach back to that day.
    """

    name: str
    place: str
    orders: int
    revenue: Decimal
    share_pct: Decimal | None
    week_before: Decimal | None
    year_before: Decimal | None


@dataclass(frozen=True, slots=True)
class Tops:
    """Up to five of each, most revenue first."""

    categories: tuple[Top, ...]
    sellers: tuple[Top, ...]
    states: tuple[Top, ...]


def tops(target: Target, days: Days, whole: Decimal) -> Tops:
    """Return what sold best on the day, whose revenue is `whole`. Raises QueryError or CloudError."""
    marts = target.schema("marts")
    # An order's payment is allocated to its items, so that these sums are the revenue, but for orders without items.
    sales, paid = f"{marts}.fact_sales s", "s.payment_value"
    with_products = f"{sales} left join {marts}.dim_products p on s.product_id = p.product_id"
    place = "concat(coalesce(max(s.seller_city), ''), '/', coalesce(max(s.seller_state), ''))"
    state = "coalesce(s.customer_state, 'unknown')"
    return Tops(
        _top(target, days, whole, CATEGORY, "''", with_products, paid),
        _top(target, days, whole, "s.seller_id", place, sales, paid),
        _top(target, days, whole, state, "''", f"{marts}.fact_orders s", "s.revenue"),
    )


def _top(target: Target, days: Days, whole: Decimal, name: str, place: str, source: str, paid: str) -> tuple[Top, ...]:
    placed = "s.order_purchase_timestamp"
    now = on_days(placed, [days.day])

    def revenue(day: date) -> str:
        return f"sum(case when {on_days(placed, [day])} then {paid} else 0 end)"

    by_name = (
        f"select {name} as name, {place} as place, count(distinct case when {now} then s.order_id end) as orders, "
        f"{', '.join(f'{revenue(day)} as revenue_{at}' for at, day in enumerate(days.compared))} "
        f"from {source} where s.is_valid_sale and {on_days(placed, days.compared)} group by 1"
    )
    found = target.query(
        f"select * from ({by_name}) as sold where orders > 0 order by revenue_0 desc, name limit {SHOWN}"
    )
    return tuple(_of_row(row, days, whole) for row in found.rows)


def _of_row(row: Sequence[Any], days: Days, whole: Decimal) -> Top:
    name, place, orders, revenue, week, year = row
    before = [
        Decimal(value) if days.are_known(day) else None
        for value, day in ((week, days.week_before), (year, days.year_before))
    ]
    return Top(name, place.strip("/"), int(orders), Decimal(revenue), ratio(100 * revenue, whole), *before)
