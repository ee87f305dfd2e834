"""Data for the benchmarks: generated files, and the same cut into a history and one more day.

`python -m bench.data FOLDER ORDERS`: a process of its own, because a process started by a large one is
counted with the memory that the large one had.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from armazem.contract import TABLES
from armazem.shop.history import generate

ONE_MORE_DAY = "2018-08-15"


def main(folder: Path, orders: int) -> None:
    """Into `whole`: this many orders; into `history`: those before the day; into `day`: those of the day.

    The day's extract has its orders, their items, payments, reviews and customers, and the products and
    sellers that they name; the history has every other table whole.
    """
    whole = folder / "whole"
    generate(whole, orders=orders, seed=42)
    connection = duckdb.connect()
    _write(connection, whole, folder / "history", f"order_purchase_timestamp < '{ONE_MORE_DAY}'", whole=True)
    _write(connection, whole, folder / "day", f"order_purchase_timestamp like '{ONE_MORE_DAY}%'", whole=False)


def _write(connection: duckdb.DuckDBPyConnection, source: Path, target: Path, condition: str, *, whole: bool) -> None:
    files = {table.name: f"read_csv('{source / table.file}', all_varchar = true)" for table in TABLES}
    connection.execute(f"create or replace temp table o as from {files['orders']} where {condition}")
    connection.execute(
        f"create or replace temp table i as from {files['order_items']} where order_id in (select order_id from o)"
    )
    of_orders = "where order_id in (select order_id from o)"
    queries = {
        "orders": "from o",
        "order_items": "from i",
        "order_payments": f"from {files['order_payments']} {of_orders}",
        "order_reviews": f"from {files['order_reviews']} {of_orders}",
        "customers": f"from {files['customers']} where customer_id in (select customer_id from o)",
    }
    for name, key in (("products", "product_id"), ("sellers", "seller_id")):
        queries[name] = f"from {files[name]}" + ("" if whole else f" where {key} in (select {key} from i)")
    if whole:
        for name in ("geolocation", "product_category_name_translation"):
            queries[name] = f"from {files[name]}"
    target.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        if table.name in queries:
            connection.execute(f"copy ({queries[table.name]}) to '{target / table.file}' (header)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
