"""Reads folders of Olist CSV files into cleaned rows: per key the last row of the newest folder wins.

Newest is the one loaded last, or the ages of the folders say. Of an order nobody knows how old its row is but by the
times in it: the newest wins, then the further stage.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from . import cleaning as c

NORTH, SOUTH = Decimal("5.5"), Decimal("-34.0")
WEST, EAST = Decimal("-74.1"), Decimal("-28.6")
ZONE = ZoneInfo("America/Sao_Paulo")
STAGES = ("created", "approved", "invoiced", "processing", "shipped", "delivered", "canceled", "unavailable")
ENDED = ("canceled", "unavailable")
Ages = Sequence[datetime | None]
Point = tuple[str, Decimal, Decimal, str | None, str | None]  # zip prefix, latitude, longitude, city, state


@dataclass(frozen=True, slots=True)
class Order:
    order_id: str
    customer_id: str | None
    status: str | None
    purchased: datetime
    approved: datetime | None
    carrier: datetime | None
    delivered: datetime | None
    estimated: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    order_id: str
    number: int
    product_id: str | None
    seller_id: str | None
    price: int
    freight: int


@dataclass(frozen=True, slots=True)
class Payment:
    order_id: str
    sequential: int
    type: str | None
    installments: int
    value: int


@dataclass(frozen=True, slots=True)
class Review:
    review_id: str
    order_id: str
    score: int | None
    title: str | None
    message: str | None
    created: datetime | None
    answered: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A customer or a seller; `person` is the customer_unique_id."""

    person: str | None
    zip_prefix: str | None
    city: str | None
    state: str | None


@dataclass(slots=True)
class Source:
    orders: dict[str, Order] = field(default_factory=dict)
    items: dict[tuple[str, int], Item] = field(default_factory=dict)
    payments: dict[tuple[str, int], Payment] = field(default_factory=dict)
    reviews: dict[tuple[str, str], Review] = field(default_factory=dict)
    customers: dict[str, Place] = field(default_factory=dict)
    sellers: dict[str, Place] = field(default_factory=dict)
    products: dict[str, dict[str, str | int | None]] = field(default_factory=dict)
    translation: dict[str, str | None] = field(default_factory=dict)
    points: set[Point] = field(default_factory=set)


def read(loaded: Sequence[Path], ages: Ages | None = None) -> Source:
    """`ages`: how old each folder is, with a zone; None where nobody told."""
    told = ages or [None] * len(loaded)
    s = Source(orders=orders(loaded, told))
    by_age = sorted(zip(told, loaded, strict=True), key=lambda pair: pair[0] or datetime.max.replace(tzinfo=UTC))
    folders = [folder for _, folder in by_age]
    for r in rows(folders, "olist_order_items_dataset"):
        order_id, number = c.identifier(r["order_id"]), c.whole(r["order_item_id"])
        if order_id and number is not None:
            product, seller = c.identifier(r["product_id"]), c.identifier(r["seller_id"])
            amounts = c.cents(r["price"]), c.cents(r["freight_value"])
            s.items[order_id, number] = Item(order_id, number, product, seller, *amounts)
    for r in rows(folders, "olist_order_payments_dataset"):
        order_id, number = c.identifier(r["order_id"]), c.whole(r["payment_sequential"])
        if order_id and number is not None:
            installments = max(1, c.whole(r["payment_installments"]) or 1)
            kind, value = c.text(r["payment_type"]), c.cents(r["payment_value"])
            s.payments[order_id, number] = Payment(order_id, number, kind, installments, value)
    for r in rows(folders, "olist_order_reviews_dataset"):
        review_id, order_id = c.identifier(r["review_id"]), c.identifier(r["order_id"])
        if review_id and order_id:
            s.reviews[review_id, order_id] = review(review_id, order_id, r)
    for r in rows(folders, "olist_customers_dataset"):
        if customer_id := c.identifier(r["customer_id"]):
            s.customers[customer_id] = place(r, "customer", c.identifier(r["customer_unique_id"]))
    for r in rows(folders, "olist_sellers_dataset"):
        if seller_id := c.identifier(r["seller_id"]):
            s.sellers[seller_id] = place(r, "seller", None)
    for r in rows(folders, "olist_products_dataset"):
        if product_id := c.identifier(r["product_id"]):
            s.products[product_id] = product_columns(r)
    for r in rows(folders, "product_category_name_translation"):
        if category := c.text(r["product_category_name"]):
            s.translation[category] = c.text(r["product_category_name_english"])
    for r in rows(folders, "olist_geolocation_dataset"):
        if p := point(r):
            s.points.add(p)
    return s


def orders(folders: Sequence[Path], ages: Ages) -> dict[str, Order]:
    """Of each order the newest row."""
    found: dict[str, tuple[tuple[datetime, int, int], Order]] = {}
    for number, (folder, age) in enumerate(zip(folders, ages, strict=True)):
        raw = [(c.identifier(r["order_id"]), r) for r in rows([folder], "olist_orders_dataset")]
        last = {order_id: order(order_id, r) for order_id, r in raw if order_id}
        written = max((newest_time(row) for row in last.values()), default=datetime.min)
        for r in rows([folder], "olist_order_reviews_dataset"):
            told = c.timestamp(r["review_answer_timestamp"]) or c.timestamp(r["review_creation_date"])
            written = max(written, told or written)
        for order_id, row in last.items():
            is_old = age or moment(written if row.status in ENDED else newest_time(row))
            rank = (is_old, STAGES.index(row.status or "created"), number)
            if order_id not in found or rank > found[order_id][0]:
                found[order_id] = rank, row
    return {order_id: row for order_id, (_, row) in found.items()}


def newest_time(row: Order) -> datetime:
    return max(filter(None, (row.purchased, row.approved, row.carrier, row.delivered)))


def moment(business_time: datetime) -> datetime:
    return max(business_time.replace(tzinfo=ZONE, fold=fold).astimezone(UTC) for fold in (0, 1))


def rows(folders: Sequence[Path], name: str) -> Iterator[dict[str, str]]:
    for folder in folders:
        path = folder / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from csv.DictReader(file)


def order(order_id: str, r: dict[str, str]) -> Order:
    purchased = c.timestamp(r["order_purchase_timestamp"])
    if purchased is None:
        raise ValueError(f"order {order_id} has no purchase timestamp")
    stages = ("order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date")
    approved, carrier, delivered = (c.timestamp(r[stage]) for stage in stages)
    estimated = c.timestamp(r["order_estimated_delivery_date"])
    customer_id, status = c.identifier(r["customer_id"]), c.text(r["order_status"])
    return Order(order_id, customer_id, status, purchased, approved, carrier, delivered, estimated)


def review(review_id: str, order_id: str, r: dict[str, str]) -> Review:
    title, message = c.text(r["review_comment_title"]), c.text(r["review_comment_message"])
    created, answered = c.timestamp(r["review_creation_date"]), c.timestamp(r["review_answer_timestamp"])
    return Review(review_id, order_id, c.whole(r["review_score"]), title, message, created, answered)


def place(r: dict[str, str], kind: str, person: str | None) -> Place:
    zip_prefix = c.zip_prefix(r[f"{kind}_zip_code_prefix"])
    return Place(person, zip_prefix, c.city(r[f"{kind}_city"]), c.state(r[f"{kind}_state"]))


def product_columns(r: dict[str, str]) -> dict[str, str | int | None]:
    found: dict[str, str | int | None] = {"product_category_name": c.text(r["product_category_name"])}
    for name in ("product_name_length", "product_description_length"):
        found[name] = c.whole(r.get(name) or r.get(name.replace("length", "lenght")))
    for name in ("photos_qty", "weight_g", "length_cm", "height_cm", "width_cm"):
        found[f"product_{name}"] = c.whole(r[f"product_{name}"])
    return found


def point(r: dict[str, str]) -> Point | None:
    zip_prefix = c.zip_prefix(r["geolocation_zip_code_prefix"])
    lat, lng = c.coordinate(r["geolocation_lat"]), c.coordinate(r["geolocation_lng"])
    if zip_prefix is None or lat is None or lng is None:
        return None
    if not (SOUTH <= lat <= NORTH and WEST <= lng <= EAST):
        return None
    lat, lng = lat.quantize(c.EIGHT, ROUND_HALF_UP), lng.quantize(c.EIGHT, ROUND_HALF_UP)
    return zip_prefix, lat, lng, c.city(r["geolocation_city"]), c.state(r["geolocation_state"])
