"""The dimensions: customers, products, sellers and the centroid of each zip prefix."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from .facts import Facts
from .rounding import rounded
from .source import Point, Source

Rows = list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Location:
    latitude: Decimal
    longitude: Decimal
    city: str | None
    state: str | None
    points: int


def locate(points: Iterable[Point]) -> dict[str, Location]:
    grouped: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        grouped[point[0]].append(point)
    return {
        zip_prefix: Location(
            latitude=centre(p[1] for p in group),
            longitude=centre(p[2] for p in group),
            city=most_frequent(p[3] for p in group),
            state=most_frequent(p[4] for p in group),
            points=len(group),
        )
        for zip_prefix, group in grouped.items()
    }


def centre(values: Iterable[Decimal]) -> Decimal:
    exact = [int(value.scaleb(8)) for value in values]
    return rounded(Fraction(sum(exact), 10**8 * len(exact)), 6)


def most_frequent(names: Iterable[str | None]) -> str | None:
    """The most frequent name, the smallest of several; None only where there is no name at all."""
    counts = Counter(name for name in names if name is not None)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


def dim_locations(places: dict[str, Location]) -> Rows:
    return [
        {
            "zip_code_prefix": zip_prefix,
            "latitude": at.latitude,
            "longitude": at.longitude,
            "city": at.city,
            "state": at.state,
            "points": at.points,
        }
        for zip_prefix, at in places.items()
    ]


def coordinates(places: dict[str, Location], zip_prefix: str | None) -> dict[str, object]:
    at = places.get(zip_prefix) if zip_prefix else None
    return {"latitude": at.latitude if at else None, "longitude": at.longitude if at else None}


def dim_customers(source: Source, facts: Facts, places: dict[str, Location]) -> Rows:
    first: dict[str, datetime] = {}
    for fact in facts.orders:
        if fact.person is not None:
            purchased = fact.order.purchased
            first[fact.person] = min(purchased, first.get(fact.person, purchased))
    return [
        {
            "customer_id": customer_id,
            "customer_unique_id": customer.person,
            "customer_zip_code_prefix": customer.zip_prefix,
            "customer_city": customer.city,
            "customer_state": customer.state,
            **coordinates(places, customer.zip_prefix),
            "first_order_timestamp": first.get(customer.person) if customer.person else None,
        }
        for customer_id, customer in source.customers.items()
    ]


def dim_sellers(source: Source, places: dict[str, Location]) -> Rows:
    return [
        {
            "seller_id": seller_id,
            "seller_zip_code_prefix": seller.zip_prefix,
            "seller_city": seller.city,
            "seller_state": seller.state,
            **coordinates(places, seller.zip_prefix),
        }
        for seller_id, seller in source.sellers.items()
    ]


def dim_products(source: Source) -> Rows:
    table: Rows = []
    for product_id, columns in source.products.items():
        volume: int | None = 1
        for side in ("length", "height", "width"):
            value = columns[f"product_{side}_cm"]
            volume = volume * value if volume is not None and isinstance(value, int) else None
        category = columns["product_category_name"]
        english = source.translation.get(category) if isinstance(category, str) else None
        row: dict[str, object] = {"product_id": product_id, **columns}
        table.append({**row, "product_category_name_english": english, "volume_cm3": volume})
    return table
