"""A small shop for tests, written as Olist CSV files. Only the columns a case is about are named in it."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

TABLES = """
olist_orders_dataset:
    order_id customer_id order_status order_purchase_timestamp order_approved_at
    order_delivered_carrier_date order_delivered_customer_date order_estimated_delivery_date
olist_customers_dataset:
    customer_id customer_unique_id customer_zip_code_prefix customer_city customer_state
olist_order_items_dataset:
    order_id order_item_id product_id seller_id shipping_limit_date price freight_value
olist_order_payments_dataset:
    order_id payment_sequential payment_type payment_installments payment_value
olist_order_reviews_dataset:
    review_id order_id review_score review_comment_title review_comment_message review_creation_date
    review_answer_timestamp
olist_products_dataset:
    product_id product_category_name product_name_lenght product_description_lenght product_photos_qty
    product_weight_g product_length_cm product_height_cm product_width_cm
olist_sellers_dataset:
    seller_id seller_zip_code_prefix seller_city seller_state
olist_geolocation_dataset:
    geolocation_zip_code_prefix geolocation_lat geolocation_lng geolocation_city geolocation_state
product_category_name_translation:
    product_category_name product_category_name_english
"""


def columns() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in TABLES.split():
        if word.endswith(":"):
            table = found.setdefault(word.removesuffix(":"), [])
        else:
            table.append(word)
    return found


class World:
    """`add` writes a row of any table; the other methods are shorter ways for the usual ones."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, str]]] = defaultdict(list)

    def add(self, table: str, **values: object) -> None:
        self.rows[table].append({name: str(value) for name, value in values.items()})

    def order(
        self,
        order_id: str,
        customer_id: str,
        purchased: str,
        *,
        status: str = "delivered",
        approved: str = "",
        carrier: str = "",
        delivered: str = "",
        estimated: str = "",
    ) -> None:
        self.add(
            "olist_orders_dataset",
            order_id=order_id,
            customer_id=customer_id,
            order_status=status,
            order_purchase_timestamp=purchased if len(purchased) > 10 else f"{purchased} 00:00:00",
            order_approved_at=approved,
            order_delivered_carrier_date=carrier,
            order_delivered_customer_date=delivered,
            order_estimated_delivery_date=estimated,
        )

    def item(
        self,
        order_id: str,
        number: int,
        price: str,
        freight: str = "0",
        product: str = "p",
        seller: str = "s",
    ) -> None:
        self.add(
            "olist_order_items_dataset",
            order_id=order_id,
            order_item_id=number,
            product_id=product,
            seller_id=seller,
            price=price,
            freight_value=freight,
        )

    def pay(
        self,
        order_id: str,
        value: str,
        number: int = 1,
        kind: str = "credit_card",
        installments: int = 1,
    ) -> None:
        self.add(
            "olist_order_payments_dataset",
            order_id=order_id,
            payment_sequential=number,
            payment_type=kind,
            payment_installments=installments,
            payment_value=value,
        )

    def customer(
        self,
        customer_id: str,
        person: str,
        city: str = "",
        state: str = "",
        zip_: str = "",
    ) -> None:
        self.add(
            "olist_customers_dataset",
            customer_id=customer_id,
            customer_unique_id=person,
            customer_zip_code_prefix=zip_,
            customer_city=city,
            customer_state=state,
        )

    def sale(self, order_id: str, person: str, purchased: str, value: str = "10.00", **item: str) -> None:
        """A delivered order of one item, paid in full, by a customer row of its own."""
        self.customer(f"c{order_id}", person)
        self.order(order_id, f"c{order_id}", purchased)
        self.item(order_id, 1, value, **item)
        self.pay(order_id, value)

    def write(self, folder: Path) -> Path:
        """Writes the files of the tables that have rows."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.rows.items():
            with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns()[table])
                writer.writeheader()
                writer.writerows(rows)
        return folder
