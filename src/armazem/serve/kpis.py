"""The eight KPI tables: names, what they show, what they can be filtered by, and in which order they are read best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from armazem.errors import QueryError


@dataclass(frozen=True, slots=True)
class Kpi:
    """One table of schema `kpis`.

    `order_by`: columns, with `-` in front where the largest comes first; together they tell all rows apart, so that
    pages do not overlap. `filters`: filter to the column that it compares. `head`: rows worth a first look.
    """

    name: str
    title: str
    order_by: tuple[str, ...]
    filters: Mapping[str, str] = field(hash=False)
    grains: tuple[str, ...] = ()
    head: str = "true"


def _period(column: str) -> dict[str, str]:
    return {"from": column, "to": column}


_SELLER = {"seller": "seller_id", "state": "seller_state", "city": "seller_city"}
_PLACE = {"level": "level", "state": "customer_state", "city": "customer_city"}
_PLACES_FIRST = ("-level", "-orders", "customer_state", "customer_city")

KPIS: tuple[Kpi, ...] = (
    Kpi("agg_monthly_growth", "Monthly growth of customers and revenue", ("-month",), _period("month")),
    Kpi(
        "agg_top_selling_products",
        "Top selling products",
        ("grain", "-period_start", "units_rank"),
        {**_period("period_start"), "grain": "grain", "product": "product_id", "category": "product_category"},
        grains=("day", "week", "month", "year", "all"),
        head="grain = 'all'",
    ),
    Kpi("agg_sales_by_seller", "Sales by seller", ("revenue_rank",), _SELLER),
    Kpi(
        "agg_sales_trend",
        "Sales trend",
        ("grain", "-period_start"),
        {**_period("period_start"), "grain": "grain"},
        grains=("day", "week", "month"),
        head="grain = 'month'",
    ),
    Kpi("agg_avg_delivery_time_seller", "Delivery time by seller", ("-delivered_orders", "seller_id"), _SELLER),
    Kpi(
        "agg_avg_order_value_city_state",
        "Average order value by city and state",
        _PLACES_FIRST,
        _PLACE,
        head="level = 'state'",
    ),
    Kpi(
        "agg_customer_purchase_frequency",
        "Purchase frequency by city and state",
        _PLACES_FIRST,
        _PLACE,
        head="level = 'state'",
    ),
    Kpi(
        "agg_retained_customers_over_month",
        "Customers retained over the months",
        ("-cohort_month", "months_since_first"),
        _period("cohort_month"),
        head="months_since_first <= 3",
    ),
)


def find_kpi(name: str) -> Kpi:
    """The KPI of this name, with or without `agg_`. Raises QueryError naming those there are."""
    for kpi in KPIS:
        if name in (kpi.name, kpi.name.removeprefix("agg_")):
            return kpi
    raise QueryError(f"there is no KPI {name!r}", "one of " + ", ".join(kpi.name for kpi in KPIS))
