"""Orders at a stage of their delivery: what each says when it is placed, and apart from that what came of it."""

from __future__ import annotations

import pyarrow as pa

from armazem.features.orders import Stage, main_items
from armazem.targets.reader import Reader

SAID = (
    "items",
    "sellers",
    "products",
    "price",
    "freight",
    "weight_g",
    "volume_cm3",
    "photos",
    "description_length",
    "installments",
)
"""Numbers that an order says of itself when it is placed."""

TEXTS = ("category", "customer_state", "seller_state", "payment_type")
"""What else it says, of which there are a few values each."""

CLOSED = ("delivered", "canceled", "unavailable")
"""States in which nobody waits for an order. A state has no time: it chooses orders, and is no feature."""


def stage_orders(reader: Reader, stage: Stage) -> pa.Table:
    """Return a row per order that has reached the stage, by its time and id.

    - order_id, seller_id, lane, product_id, customer_unique_id: of its dearest item, of several the first.
    - bought, scored_at: business time; features are as of the midnight that begins the day of scored_at.
    - `SAID` and `TEXTS`; points of the zip codes in degrees, seller_latitude to customer_longitude: where one has none,
      of its first three digits; null where they have none either.
    - What came of it: arrived, null until then; promised, the promised day; is_open, whether somebody waits for it.
    - What the SQL model said then: expected_s, lower_s, upper_s, risk_permille, late_permille.
    """
    found = reader.answer(stage_sql(stage, reader.schema("marts"), reader.schema("features")))
    for name in ("bought", "scored_at", "arrived", "promised"):
        place = found.schema.get_field_index(name)
        found = found.set_column(place, name, found[name].cast(pa.timestamp("us")))
    return found.sort_by([("scored_at", "ascending"), ("order_id", "ascending")])


def stage_sql(stage: Stage, marts: str, features: str) -> str:
    """Return the query on these two layers, in words that both DuckDB and BigQuery know."""
    closed = ", ".join(f"'{state}'" for state in CLOSED)
    return f"""
with sums as (
    select
        sales.order_id,
        count(*) as items,
        count(distinct sales.seller_id) as sellers,
        count(distinct sales.product_id) as products,
        sum(sales.price) as price,
        sum(sales.freight_value) as freight,
        sum(products.product_weight_g) as weight_g,
        sum(products.volume_cm3) as volume_cm3
    from {marts}.fact_sales as sales
    left join {marts}.dim_products as products on sales.product_id = products.product_id
    group by sales.order_id
),
{main_items(marts)},
regions as (
    select substr(zip_code_prefix, 1, 3) as region, avg(latitude) as latitude, avg(longitude) as longitude
    from {marts}.dim_locations
    group by 1
)
select
    said.order_id, said.scored_at, said.seller_id, said.lane, main_items.product_id, orders.customer_unique_id,
    sums.items, sums.sellers, sums.products, sums.price, sums.freight, sums.weight_g, sums.volume_cm3,
    products.product_photos_qty as photos, products.product_description_length as description_length,
    orders.installments, orders.main_payment_type as payment_type, orders.customer_state, main_items.seller_state,
    coalesce(products.product_category_name_english, products.product_category_name) as category,
    coalesce(sellers.latitude, seller_regions.latitude) as seller_latitude,
    coalesce(sellers.longitude, seller_regions.longitude) as seller_longitude,
    coalesce(customers.latitude, customer_regions.latitude) as customer_latitude,
    coalesce(customers.longitude, customer_regions.longitude) as customer_longitude,
    orders.order_purchase_timestamp as bought, orders.order_delivered_customer_date as arrived,
    orders.order_estimated_delivery_date as promised,
    orders.order_delivered_customer_date is null and orders.order_status not in ({closed}) as is_open,
    said.expected_s, said.lower_s, said.upper_s, said.risk_permille, said.late_permille
from {features}.feat_order_delivery as said
inner join {marts}.fact_orders as orders on said.order_id = orders.order_id
left join sums on said.order_id = sums.order_id
left join main_items on said.order_id = main_items.order_id
left join {marts}.dim_products as products on main_items.product_id = products.product_id
left join {marts}.dim_sellers as sellers on main_items.seller_id = sellers.seller_id
left join {marts}.dim_customers as customers on orders.customer_id = customers.customer_id
left join regions as seller_regions on substr(sellers.seller_zip_code_prefix, 1, 3) = seller_regions.region
left join regions as customer_regions on substr(customers.customer_zip_code_prefix, 1, 3) = customer_regions.region
where said.stage = '{stage}'
"""
