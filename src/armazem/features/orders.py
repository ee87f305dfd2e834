"""Requests that the warehouse has itself: all orders, at the purchase or when the carrier received them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

import pyarrow as pa

from armazem.errors import FeatureError
from armazem.targets.reader import Reader

Stage = Literal["purchase", "handover"]
STAGES: tuple[Stage, ...] = ("purchase", "handover")

COLUMNS = ("order_id", "seller_id", "lane", "product_id", "customer_unique_id", "at")

_AT = {"purchase": "order_purchase_timestamp", "handover": "order_delivered_carrier_date"}
_DAY = timedelta(days=1)


def order_requests(reader: Reader, stage: Stage) -> pa.Table:
    """Return `COLUMNS`, a row per order, by time and order.

    `at`: the purchase, or the handover to the carrier; orders without one, with one before the purchase, or after the
    newest features are left out. Seller, lane and product are those of the item with the highest price, of several the
    first; null where the order has no item. Raises FeatureError where nothing was ordered yet.
    """
    found = reader.answer(_sql(reader, _AT[stage], newest_day(reader) + _DAY))
    # AT is a word of BigQuery's own.
    found = found.append_column("at", found["moment"].cast(pa.timestamp("us"))).select(COLUMNS)
    return found.sort_by([("at", "ascending"), ("order_id", "ascending")])


def newest_day(reader: Reader) -> date:
    """Return the newest day at whose midnight features are known: the one after the newest purchase.

    What lies after it is not known, whatever the histories say of it: there an order that is not delivered is late.
    Raises FeatureError where nothing was ordered yet.
    """
    return days_of_purchases(reader)[1] + _DAY


def days_of_purchases(reader: Reader) -> tuple[date, date]:
    """Return the day of the first purchase, before which nothing is known, and that of the newest.

    Raises FeatureError where nothing was ordered yet.
    """
    sql = (
        "select cast(min(order_purchase_timestamp) as date) as first_day, "
        f"cast(max(order_purchase_timestamp) as date) as last_day from {reader.schema('marts')}.fact_orders"
    )
    found = reader.answer(sql)
    first, last = found["first_day"][0].as_py(), found["last_day"][0].as_py()
    if last is None:
        raise FeatureError("nothing was ordered yet: there are no features", "load orders, and build")
    return first, last


def main_items(marts: str) -> str:
    """Return the CTE main_items: of each order the item with the highest price, of several the first."""
    return f"""main_items as (
    select order_id, seller_id, seller_state, product_id
    from {marts}.fact_sales
    where true
    qualify row_number() over (partition by order_id order by price desc, order_item_id asc) = 1
)"""


def _sql(reader: Reader, at: str, end: date) -> str:
    marts = reader.schema("marts")
    return (
        f"with {main_items(marts)} "
        "select orders.order_id, main_items.seller_id, "
        "main_items.seller_state || '-' || orders.customer_state as lane, "
        f"main_items.product_id, orders.customer_unique_id, orders.{at} as moment "
        f"from {marts}.fact_orders as orders left join main_items on orders.order_id = main_items.order_id "
        f"where orders.{at} >= orders.order_purchase_timestamp "
        f"and orders.{at} < '{datetime.combine(end, time()).isoformat(sep=' ')}'"
    )
