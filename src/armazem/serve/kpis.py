"""The eight KPI tables: their names, what they show, and in which order their rows are read best."""

from __future__ import annotations

from dataclasses import dataclass

from armazem.config import Settings
from armazem.errors import QueryError
from armazem.warehouse.query import Rows, run_query


@dataclass(frozen=True, slots=True)
class Kpi:
    """One table of schema `kpis`. `order_by`: what to read first; `head`: rows worth a first look."""

    name: str
    title: str
    order_by: str
    head: str = "true"


KPIS: tuple[Kpi, ...] = (
    Kpi("agg_monthly_growth", "Monthly growth of customers and revenue", "month desc"),
    Kpi(
        "agg_top_selling_products",
        "Top selling products",
        "grain, period_start desc, units_rank",
        "grain = 'all'",
    ),
    Kpi("agg_sales_by_seller", "Sales by seller", "revenue_rank"),
    Kpi("agg_sales_trend", "Sales trend", "grain, period_start desc", "grain = 'month'"),
    Kpi("agg_avg_delivery_time_seller", "Delivery time by seller", "delivered_orders desc, seller_id"),
    Kpi(
        "agg_avg_order_value_city_state",
        "Average order value by city and state",
        "level desc, orders desc, customer_state, customer_city",
        "level = 'state'",
    ),
    Kpi(
        "agg_customer_purchase_frequency",
        "Purchase frequency by city and state",
        "level desc, orders desc, customer_state, customer_city",
        "level = 'state'",
    ),
    Kpi(
        "agg_retained_customers_over_month",
        "Customers retained over the months",
        "cohort_month desc, months_since_first",
        "months_since_first <= 3",
    ),
)


def find_kpi(name: str) -> Kpi:
    """The KPI of this name, with or without `agg_`. Raises QueryError naming those there are."""
    for kpi in KPIS:
        if name in (kpi.name, kpi.name.removeprefix("agg_")):
            return kpi
    raise QueryError(f"there is no KPI {name!r}", "one of " + ", ".join(kpi.name for kpi in KPIS))


def kpi_rows(settings: Settings, kpi: Kpi, *, where: str | None = None, limit: int | None = None) -> Rows:
    """Rows of a KPI that meet `where`, a SQL condition on its columns; all of them without `limit`."""
    on_bigquery = settings.target == "bigquery"
    schema = f"{settings.bigquery_dataset_prefix}kpis" if on_bigquery else "kpis"
    sql = f"select * from {schema}.{kpi.name} where ({where or 'true'}\n) order by {kpi.order_by}"
    if limit is not None:
        sql += f" limit {limit}"
    if on_bigquery:
        from armazem.warehouse.bigquery.query import run_query as run_on_bigquery

        return run_on_bigquery(settings, sql)
    return run_query(settings.home_folder, sql)
