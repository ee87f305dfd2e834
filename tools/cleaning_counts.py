"""How many rows each cleaning step touches: `python -m tools.cleaning_counts FOLDER` prints the table of cleaning.md.

FOLDER is loaded into a temporary home folder and built. A count compares what was landed, `raw`, with what the
cleaning made of it, `staging`; of no row more than a count is shown.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb

from armazem.build.run import BuildRequest, build
from armazem.config import load_settings
from armazem.contract import TABLES
from armazem.contract.identifiers import UUID_PATTERN
from armazem.home import Home
from armazem.landing import load, parquet_files

# Step, and the query that counts the rows (or values) it touched.
STEPS: tuple[tuple[str, str], ...] = (
    ("Zip prefixes of customers padded to five digits", "select count(*) from raw.customers "
     "where length(regexp_replace(customer_zip_code_prefix, '[^0-9]', '', 'g')) between 1 and 4"),
    ("Zip prefixes of sellers padded to five digits", "select count(*) from raw.sellers "
     "where length(regexp_replace(seller_zip_code_prefix, '[^0-9]', '', 'g')) between 1 and 4"),
    ("Zip prefixes of points padded to five digits", "select count(*) from raw.geolocation "
     "where length(regexp_replace(geolocation_zip_code_prefix, '[^0-9]', '', 'g')) between 1 and 4"),
    ("Cities of customers spelt in another way", "select count(*) from raw.customers "
     "join staging.stg_customers using (customer_id) "
     "where customers.customer_city is distinct from stg_customers.customer_city"),
    ("Cities of sellers spelt in another way", "select count(*) from raw.sellers "
     "join staging.stg_sellers using (seller_id) "
     "where sellers.seller_city is distinct from stg_sellers.seller_city"),
    ("Of these, no city at all: null", "select count(*) from raw.sellers join staging.stg_sellers using (seller_id) "
     "where sellers.seller_city is not null and stg_sellers.seller_city is null"),
    ("Points whose city has accents or capitals", "select count(*) from raw.geolocation "
     "where geolocation_city != lower(strip_accents(geolocation_city))"),
    ("Points that repeat another one exactly", "select count(*) - (select count(*) from "
     "(select distinct * from raw.geolocation)) from raw.geolocation"),
    ("Points outside Brazil left out", "select count(*) from raw.geolocation where not "
     "(geolocation_lat between -34.0 and 5.5 and geolocation_lng between -74.1 and -28.6)"),
    ("Payments with 0 instalments set to 1", "select count(*) from raw.order_payments "
     "where payment_installments is null or payment_installments < 1"),
    ("States written in another way", "select (select count(*) from raw.customers "
     "where customer_state != upper(trim(customer_state))) + (select count(*) from raw.sellers "
     "where seller_state != upper(trim(seller_state)))"),
    ("Identifiers written as UUIDs, with dashes", "select count(*) from raw.orders "
     f"where regexp_full_match(order_id, '{UUID_PATTERN}')"),
    ("Rows of a key that came again: the newest stays", "select (select count(*) from raw.orders) - (select count(*) "
     "from staging.stg_orders) + (select count(*) from raw.order_reviews) - (select count(*) "
     "from staging.stg_order_reviews)"),
    ("Products without a category: `uncategorized` in the KPIs",
     "select count(*) from marts.dim_products where product_category_name is null"),
    ("Products without weight or size", "select count(*) from marts.dim_products "
     "where product_weight_g is null or product_length_cm is null"),
    ("Products whose category has no translation", "select count(*) from marts.dim_products "
     "where product_category_name is not null and product_category_name_english is null"),
    ("Orders without an item", "select count(*) from marts.fact_orders where items = 0"),
    ("Of these, valid sales", "select count(*) from marts.fact_orders where items = 0 and is_valid_sale"),
    ("Valid sales without a payment", "select count(*) from marts.fact_orders where revenue = 0 and is_valid_sale"),
    ("Payments of type `not_defined`", "select count(*) from marts.fact_payments where payment_type = 'not_defined'"),
    ("Payments of value 0", "select count(*) from marts.fact_payments where payment_value = 0"),
    ("Orders handed to the carrier before the approval", "select count(*) from staging.stg_orders "
     "where order_delivered_carrier_date < order_approved_at"),
    ("Orders delivered before the carrier had them", "select count(*) from staging.stg_orders "
     "where order_delivered_customer_date < order_delivered_carrier_date"),
    ("Delivered orders without a delivery date", "select count(*) from staging.stg_orders "
     "where order_status = 'delivered' and order_delivered_customer_date is null"),
    ("Canceled orders with a delivery date", "select count(*) from staging.stg_orders "
     "where order_status = 'canceled' and order_delivered_customer_date is not null"),
    ("Reviews that share their review_id with another order", "select count(*) - count(distinct review_id) "
     "from staging.stg_order_reviews"),
    ("Orders with several reviews: the newest answer counts", "select count(*) from (select order_id "
     "from staging.stg_order_reviews group by order_id having count(*) > 1)"),
    ("Customers whose zip prefix has no point", "select count(*) from marts.dim_customers where latitude is null"),
    ("Sellers whose zip prefix has no point", "select count(*) from marts.dim_sellers where latitude is null"),
    ("Further orders of a person, each with another customer_id",
     "select count(*) - count(distinct customer_unique_id) from staging.stg_customers"),
)  # fmt: skip


def counts(home: Home) -> list[tuple[str, int]]:
    """Each step with its count, in a home folder with one load and one build."""
    with closing(duckdb.connect()) as connection:
        connection.execute("create schema raw")
        for table in TABLES:
            files = [str(path) for path in parquet_files(home, table.name)]
            if files:
                connection.read_parquet(files).create_view("landed")
                connection.execute(f"create table raw.{table.name} as from landed; drop view landed")
        connection.execute(f"attach '{home.current}' as published (read_only)")
        for schema in ("staging", "marts"):
            connection.execute(f"create schema {schema}")
            for (name,) in connection.execute(
                "select table_name from information_schema.tables "
                f"where table_catalog = 'published' and table_schema = '{schema}'"
            ).fetchall():
                connection.execute(f"create view {schema}.{name} as from published.{schema}.{name}")
        return [(step, (connection.execute(sql).fetchone() or (0,))[0]) for step, sql in STEPS]


def main() -> None:
    """Print the table."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tools.cleaning_counts FOLDER")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home")
        load(Path(sys.argv[1]), settings.home_folder)
        build(settings, BuildRequest())
        rows = counts(settings.home_folder)
    sys.stdout.write("| step | rows |\n|---|---:|\n" + "".join(f"| {step} | {count:,} |\n" for step, count in rows))


if __name__ == "__main__":
    main()
