"""A generated shop with enough deliveries to learn from, and the same files as they were on an earlier day."""

from __future__ import annotations

import csv
from pathlib import Path

from warehouse.shop import Shop

from armazem.config import Settings
from armazem.features.delivery.frames import Frames, read_frames
from armazem.shop.history import generate

_ORDERS, _REVIEWS, _PARTS = (
    "olist_orders_dataset",
    "olist_order_reviews_dataset",
    ("olist_order_items_dataset", "olist_order_payments_dataset"),
)
_LATER = {
    "order_approved_at": "created",
    "order_delivered_carrier_date": "processing",
    "order_delivered_customer_date": "shipped",
}
"""Columns of what comes after the purchase, with the state that an order is in while it has not come."""


def write_orders(folder: Path, orders: int, seed: int = 5) -> Path:
    generate(folder, orders=orders, seed=seed)
    return folder


def built(home: Path, files: Path) -> Shop:
    """A home with these files loaded and published."""
    shop = Shop(home)
    shop.load(files)
    shop.build()
    return shop


def frames_of(shop: Shop) -> Frames:
    return read_frames(Settings(home=shop.path))


def as_of(files: Path, until: str, folder: Path) -> Path:
    """Write the files as they were at a midnight, as 2018-03-01: no order of later, and of the others nothing.

    Who was delivered by then says so; who was not is on the way, whatever came of it.
    """
    folder.mkdir(parents=True)
    for path in files.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    orders = [row for row in _rows(files / f"{_ORDERS}.csv") if row["order_purchase_timestamp"] < until]
    for row in orders:
        for column, state in reversed(_LATER.items()):
            if row[column] >= until or not row[column]:
                row[column], row["order_status"] = "", state
    kept = {row["order_id"] for row in orders}
    _write(folder / f"{_ORDERS}.csv", orders)
    for name in _PARTS:
        _write(folder / f"{name}.csv", [row for row in _rows(files / f"{name}.csv") if row["order_id"] in kept])
    reviews = [row for row in _rows(files / f"{_REVIEWS}.csv") if row["review_answer_timestamp"] < until]
    _write(folder / f"{_REVIEWS}.csv", [row for row in reviews if row["order_id"] in kept])
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
