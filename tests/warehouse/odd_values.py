"""Orders whose identifiers and texts are odd, as files and as events: what is one value in one is it in the other."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

# Each is an order of its own, with a customer, a product and a seller of that name.
IDS = (
    "SP-1-23",
    "SP-12-3",
    "AbC1",
    "aBc1",
    "1001",
    "0A1B2C3D000040008000ABCDEF012345",  # no UUID: it has no dashes
    "0A1B2C3D-0000-4000-8000-ABCDEF012345",
    "pão/ü:1",
    "1234e5678",
)
REFUSED_IDS = ("5.72613E+12", "a\u200bb", "\ufeffs2", "a\u2060b", "a b", "NULL", "nan", r"\N", "N/A", "-", "x" * 65)
NULLS = ("NULL", "null", "nan", "NaN", r"\N", "None", "N/A", "NaT", "-", "0000-00-00 00:00:00", "", " ")
BOUGHT = "2018-03-05 10:00:00"

Row = dict[str, str]


def tables() -> dict[str, list[Row]]:
    """The rows of each source table, as texts."""
    found: dict[str, list[Row]] = {}
    for number, id_ in enumerate((*IDS, *REFUSED_IDS)):
        _order(found, id_, number, city="Recife", state="PE", category="toys", approved=BOUGHT)
    for number, word in enumerate(NULLS):
        _order(found, f"null{number}", number, city=word, state=word, category=word, approved=word)
    _order(found, "nobody", 0, city="Recife", state="PE", category="toys", approved=BOUGHT)
    found["customers"][-1]["customer_unique_id"] = "None"  # no person, so no row
    return found


def _order(
    found: dict[str, list[Row]], id_: str, number: int, *, city: str, state: str, category: str, approved: str
) -> None:
    rows: dict[str, Row] = {
        "orders": {
            "order_id": id_,
            "customer_id": id_,
            "order_status": "delivered",
            "order_purchase_timestamp": BOUGHT,
            "order_approved_at": approved,
            "order_delivered_carrier_date": "2018-03-06 10:00:00",
            "order_delivered_customer_date": "2018-03-09 10:00:00",
            "order_estimated_delivery_date": "2018-03-20 00:00:00",
        },
        "order_items": {
            "order_id": id_,
            "order_item_id": "1",
            "product_id": id_,
            "seller_id": id_,
            "shipping_limit_date": BOUGHT,
            "price": f"{100 + number}.50",
            "freight_value": "9.50",
        },
        "order_payments": {
            "order_id": id_,
            "payment_sequential": "1",
            "payment_type": "pix",
            "payment_installments": "1",
            "payment_value": f"{110 + number}.00",
        },
        "customers": {
            "customer_id": id_,
            "customer_unique_id": id_,
            "customer_zip_code_prefix": "1037.0" if number % 2 else "01037",
            "customer_city": city,
            "customer_state": state,
        },
        "sellers": {
            "seller_id": id_,
            "seller_zip_code_prefix": "1037",
            "seller_city": city,
            "seller_state": state,
        },
        "products": {
            "product_id": id_,
            "product_category_name": category,
            "product_name_length": "",
            "product_description_length": "",
            "product_photos_qty": "",
            "product_weight_g": "100",
            "product_length_cm": "10",
            "product_height_cm": "10",
            "product_width_cm": "10",
        },
    }
    for table, row in rows.items():
        found.setdefault(table, []).append(row)


def write_files(folder: Path) -> Path:
    """The tables as CSV files."""
    folder.mkdir(parents=True)
    for table, rows in tables().items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def messages() -> list[bytes]:
    """The same as events."""
    found = tables()
    events: list[dict[str, Any]] = []
    for order, item, payment in zip(found["orders"], found["order_items"], found["order_payments"], strict=True):
        data = {
            "orders": order,
            "order_items": [{**item, "order_item_id": 1, "price": float(item["price"]), "freight_value": 9.5}],
            "order_payments": [{**payment, "payment_sequential": 1, "payment_installments": 1}],
        }
        events.append(_event(len(events), "order_initiated", data))
    for table, event_type in (
        ("customers", "customer_update"),
        ("sellers", "seller_update"),
        ("products", "product_update"),
    ):
        events += [_event(len(events) + n, event_type, {table: row}) for n, row in enumerate(found[table])]
    return [json.dumps(event).encode() for event in events]


def _event(number: int, event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    stamp = "2018-03-10T10:00:00-03:00"
    return {"event_id": f"odd {number}", "event_type": event_type, "timestamp": stamp, "data": data}
