"""An independent reference of the facts and KPIs, in plain Python: what the dbt models are compared against.

Nothing here uses SQL, pandas or the package's code; every ratio is an exact fraction, rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .compare import KEYS, differences, schema_of, sort_key
from .dims import dim_customers, dim_locations, dim_products, dim_sellers, locate
from .facts import build_facts
from .forecasts import forecasts
from .kpi_delivery import delivery_by_seller
from .kpi_growth import monthly_growth, retained_customers, sales_trend
from .kpi_places import order_value_by_place, purchase_frequency
from .kpi_sales import sales_by_seller, top_selling_products
from .source import Ages, read
from .tables import fact_orders, fact_payments, fact_reviews, fact_sales

__all__ = ["KEYS", "compute", "differences", "schema_of"]


def compute(folders: Path | Sequence[Path], ages: Ages | None = None) -> dict[str, list[dict[str, object]]]:
    """Every table, sorted by its key, from one folder of Olist CSV files or several, loaded in that order.

    `ages`: how old each of them is, with a zone; None where nobody told.
    """
    source = read([folders] if isinstance(folders, Path) else list(folders), ages)
    places = locate(source.points)
    facts = build_facts(source)
    tables = {
        "dim_customers": dim_customers(source, facts, places),
        "dim_products": dim_products(source),
        "dim_sellers": dim_sellers(source, places),
        "dim_locations": dim_locations(places),
        "fact_orders": fact_orders(facts),
        "fact_sales": fact_sales(facts),
        "fact_payments": fact_payments(facts),
        "fact_reviews": fact_reviews(facts),
        "agg_monthly_growth": monthly_growth(facts),
        "agg_top_selling_products": top_selling_products(facts),
        "agg_sales_by_seller": sales_by_seller(facts),
        "agg_sales_trend": sales_trend(facts),
        "agg_avg_delivery_time_seller": delivery_by_seller(facts),
        "agg_avg_order_value_city_state": order_value_by_place(facts),
        "agg_customer_purchase_frequency": purchase_frequency(facts),
        "agg_retained_customers_over_month": retained_customers(facts),
        "feat_forecast": forecasts(facts),
    }
    for name, rows in tables.items():
        rows.sort(key=sort_key(KEYS[name]))
    return tables
