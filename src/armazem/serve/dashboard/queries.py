"""From a view to SQL: which orders it is about, and what of them counts. Pure; values are bound, never written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from armazem.kpis.measures import CATEGORY, NO_CATEGORY
from armazem.serve.dashboard.view import View


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with its parameters, in the order of their question marks."""

    sql: str
    parameters: tuple[Any, ...] = ()


def _products(view: View) -> str:
    """The join that gives `p` to what is sold."""
    # Only a product that is not in the table can be missed by the inner join, which takes half of the time.
    join = "join" if view.category not in ("", NO_CATEGORY) else "left join"
    return f"{join} marts.dim_products p using (product_id)"


def _items(view: View) -> tuple[str, list[Any]]:
    """What of each order is of the category and the seller."""
    conditions, parameters = [], []
    if view.category:
        conditions.append(f"{CATEGORY} = ?")
        parameters.append(view.category)
    if view.seller:
        conditions.append("s.seller_id = ?")
        parameters.append(view.seller)
    sql = (
        "select s.order_id, count(*) as items, sum(s.price) as gmv, sum(s.freight_value) as freight, "
        "sum(s.payment_value) as revenue "
        f"from marts.fact_sales s {_products(view) if view.category else ''} "
        f"where s.is_valid_sale and {' and '.join(conditions)} group by s.order_id"
    )
    return sql, parameters


def _placed(view: View, column: str) -> tuple[str, list[Any]]:
    """The condition of the dates and the state."""
    conditions = ["is_valid_sale"]
    parameters: list[Any] = []
    if view.start:
        conditions.append(f"{column} >= cast(? as date)")
        parameters.append(view.start)
    if view.end:
        conditions.append(f"{column} < cast(? as date) + 1")
        parameters.append(view.end)
    if view.state:
        conditions.append("customer_state = ?")
        parameters.append(view.state)
    return " and ".join(conditions), parameters


def orders(view: View, select: str, *more: Any) -> Query:
    """Return `select`, which reads from `orders`: valid sales in the view, one row per order.

    Its columns: order_id, customer_id, customer_unique_id, customer_city, customer_state, placed, period (first day of
    the grain), is_late, days_to_deliver, delivered, estimated, order_status, review_score, main_payment_type, items,
    gmv, freight, revenue. With a category or a seller in the view, the last four are of the items that match, and so
    are the orders.
    `more`: parameters of `select`.
    """
    where, parameters = _placed(view, "order_purchase_timestamp")
    kept = (
        "order_id, customer_id, customer_unique_id, customer_city, customer_state, "
        "order_purchase_timestamp as placed, "
        f"cast(date_trunc('{view.grain}', order_purchase_timestamp) as date) as period, "
        "is_late, days_to_deliver, order_delivered_customer_date as delivered, "
        "order_estimated_delivery_date as estimated, order_status, review_score, main_payment_type"
    )
    if not view.by_item:
        source = f"select {kept}, items, gmv, freight, revenue from marts.fact_orders where {where}"
        return Query(f"with orders as ({source}) {select}", (*parameters, *more))
    items, of_items = _items(view)
    source = (
        f"select {kept}, i.items, i.gmv, i.freight, i.revenue from marts.fact_orders o join items i using (order_id) "
        f"where {where}"
    )
    return Query(f"with items as ({items}), orders as ({source}) {select}", (*of_items, *parameters, *more))


def sales(view: View, select: str, *more: Any, category: bool = True) -> Query:
    """Return `select`, which reads from `sales`: units of valid sales in the view, one row per item.

    Its columns: those of marts.fact_sales, category (where asked for: it costs half of the time), and period
    (first day of the grain).
    """
    where, parameters = _placed(view, "s.order_purchase_timestamp")
    conditions = [where]
    if view.category:
        conditions.append(f"{CATEGORY} = ?")
        parameters.append(view.category)
    if view.seller:
        conditions.append("seller_id = ?")
        parameters.append(view.seller)
    products = category or view.category
    source = (
        f"select s.*, {f'{CATEGORY} as category, ' if category else ''}"
        f"cast(date_trunc('{view.grain}', s.order_purchase_timestamp) as date) as period "
        f"from marts.fact_sales s {_products(view) if products else ''} "
        f"where {' and '.join(conditions)}"
    )
    return Query(f"with sales as ({source}) {select}", (*parameters, *more))


BOUNDS = Query(
    "with months as (select cast(date_trunc('month', order_purchase_timestamp) as date) as month, count(*) as orders, "
    "cast(min(order_purchase_timestamp) as date) as first, cast(max(order_purchase_timestamp) as date) as last "
    "from marts.fact_orders where is_valid_sale group by 1) "
    "select min(first), max(last), min(month) filter (orders >= usual / 20), max(month) filter (orders >= usual / 20) "
    "from months cross join (select median(orders) as usual from months)"
)
"""First and last day with a valid sale; first and last month with at least a twentieth of what is usual."""
STATES = Query("select distinct customer_state from marts.fact_orders where customer_state is not null order by all")
CATEGORIES = Query(f"select distinct {CATEGORY} as category from marts.dim_products p order by all")
FEATURES = Query(
    "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'features' "
    "order by all"
)
"""Which there are: an older armazem builds without them."""
TOP_SELLERS = Query(
    "select seller_id, seller_city, seller_state from kpis.agg_sales_by_seller order by revenue_rank limit 100"
)


def known_seller(seller: str) -> Query:
    """Return its city and state. A seller may have sold before its own row arrived."""
    known = "select seller_city, seller_state from marts.{} where seller_id = ?"
    return Query(f"{known.format('dim_sellers')} union all {known.format('fact_sales')} limit 1", (seller, seller))


def search_sellers(typed: str, most: int) -> Query:
    """Return the query of sellers whose id begins so, or whose city has it, most revenue first: id, city, state."""
    needle = "strip_accents(lower(?))"
    return Query(
        "select seller_id, coalesce(k.seller_city, d.seller_city), coalesce(k.seller_state, d.seller_state) "
        "from marts.dim_sellers d full join kpis.agg_sales_by_seller k using (seller_id) "
        f"where starts_with(lower(seller_id), lower(?)) or contains(coalesce(k.seller_city, d.seller_city), {needle}) "
        "order by revenue_rank nulls last, seller_id limit ?",
        (typed, typed, most),
    )
