"""Random events about a small shop: new and known orders, in any order of time, many about the same thing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from contract.event_examples import Message, event, item, order, payment, review

from .event_reference import STAGES, STATUSES, ZONE, utc_text
from .history import ORDERS, PRODUCTS, REVIEWS, SELLERS, Row

OFFSETS = (timedelta(0), timedelta(hours=-3), timedelta(hours=5, minutes=30))


@dataclass(frozen=True, slots=True)
class Cast:
    """Whom events speak of, and when: few enough that they meet. `moments` are UTC."""

    orders: Sequence[str]
    customers: Sequence[str]
    products: Sequence[str]
    sellers: Sequence[str]
    reviews: Sequence[tuple[str, str]]
    moments: Sequence[datetime]


def cast_of(tables: Mapping[str, Sequence[Row]], rng: random.Random, known: int, new: int) -> Cast:
    """`known` orders of the shop and `new` ones; the moments are those of the known ones, and some around them."""
    orders = rng.sample(list(tables[ORDERS]), known)
    ids = [row["order_id"] for row in orders]
    moments = [datetime(2015, 6, 1, tzinfo=UTC), datetime(2019, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)]
    for row in orders:
        for name in STAGES.values():
            if row[name]:
                stage = datetime.fromisoformat(utc_text(datetime.fromisoformat(row[name]))).replace(tzinfo=UTC)
                moments += [stage, stage + timedelta(microseconds=rng.choice((-1, 1))), stage + timedelta(days=1)]
    invented = [f"{rng.getrandbits(128):032x}" for _ in range(new)]
    return Cast(
        orders=[*ids, *invented],
        customers=[*(row["customer_id"] for row in orders), *(f"c-{name[:8]}" for name in invented)],
        products=[row["product_id"] for row in rng.sample(list(tables[PRODUCTS]), 3)],
        sellers=[row["seller_id"] for row in rng.sample(list(tables[SELLERS]), 3)],
        reviews=[(row["review_id"], row["order_id"]) for row in tables[REVIEWS] if row["order_id"] in ids],
        moments=moments,
    )


def some_events(rng: random.Random, cast: Cast, count: int, name: str = "e") -> list[Message]:
    """Messages with ids of their own, as a sender of today writes them."""
    kinds = [*_MAKERS] * 2 + [_placed, _placed, _status, _status, _status, _paid, _paid]
    return [_event(rng, cast, rng.choice(kinds), f"{name}{rng.randrange(10)}-{number}") for number in range(count)]


def _event(rng: random.Random, cast: Cast, make: Callable[..., tuple[str, Any]], event_id: str) -> Message:
    at = rng.choice(cast.moments)
    event_type, data = make(rng, cast, at)
    written = at.astimezone(timezone(rng.choice(OFFSETS))).isoformat(timespec="microseconds")
    return event(event_type, data, event_id=event_id, timestamp=written)


def _local(at: datetime) -> str:
    return at.astimezone(ZONE).replace(tzinfo=None).isoformat()


def _money(rng: random.Random) -> float:
    return rng.randrange(20_000) / 100


def _maybe(rng: random.Random, value: Any) -> Any:
    """The value, null, or nothing at all."""
    return rng.choice((value, value, None, ...))


def _placed(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    order_id = rng.choice(cast.orders)
    items = [
        item(
            number,
            order_id=order_id,
            product_id=rng.choice(cast.products),
            seller_id=rng.choice(cast.sellers),
            price=_money(rng),
            freight_value=_money(rng) / 4,
            shipping_limit_date=_maybe(rng, "2018-09-09T10:00:00"),
        )
        for number in rng.sample(range(1, 4), rng.choice((0, 1, 1, 2)))
    ]
    for row in items:
        row["freight_value"] = round(row["freight_value"], 2)
    paid = [_payment(rng, order_id, number) for number in rng.sample(range(1, 4), rng.choice((0, 1, 1, 2)))]
    row = order(
        order_id=order_id,
        customer_id=rng.choice(cast.customers),
        order_status=rng.choice(STATUSES[:2]),
        order_purchase_timestamp=_local(at),
        order_estimated_delivery_date=_maybe(rng, "2018-10-10T00:00:00"),
    )
    return "order_initiated", {"orders": row, "order_items": items, "order_payments": paid}


def _status(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    status = rng.choice(STATUSES)
    row = {"order_id": rng.choice(cast.orders), "order_status": status}
    if status in STAGES and status != "created":
        row[STAGES[status]] = _local(at)
    elif rng.random() < 0.2:  # a sender that tells all it knows
        row |= {"customer_id": rng.choice(cast.customers), "order_purchase_timestamp": _local(at)}
    if rng.random() < 0.2:
        row["order_estimated_delivery_date"] = None
    return "order_status_update", {"orders": row}


def _payment(rng: random.Random, order_id: str, number: int) -> Row:
    kind = rng.choice(("credit_card", "boleto", "voucher", "pix", "refund"))
    return payment(
        number,
        order_id=order_id,
        payment_type=kind,
        payment_installments=_maybe(rng, rng.randrange(4)),
        payment_value=_money(rng) if kind != "refund" else -0.01 - _money(rng) // 1,
    )


def _paid(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    order_id = rng.choice(cast.orders)
    numbers = rng.sample(range(1, 4), rng.choice((1, 1, 2)))
    return "order_payment", {"order_payments": [_payment(rng, order_id, number) for number in numbers]}


def _reviewed(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    known = rng.random() < 0.5 and cast.reviews
    review_id, order_id = rng.choice(cast.reviews) if known else (f"{rng.randrange(3):032x}", rng.choice(cast.orders))
    row = review(
        review_id=review_id,
        order_id=order_id,
        review_score=rng.randint(1, 5),
        review_comment_message=_maybe(rng, f"Nota {rng.randrange(9)}"),
        review_comment_title=_maybe(rng, "Ótimo"),
        review_creation_date=_maybe(rng, _local(at)),
        review_answer_timestamp=_maybe(rng, _local(at)),
    )
    return "order_review", {"order_reviews": row}


def _update(rng: random.Random, columns: Row) -> Row:
    return {name: value for name, value in columns.items() if rng.random() < 0.6 and value is not ...}


def _customer(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    place = {
        "customer_unique_id": f"{rng.randrange(4):032x}",
        "customer_zip_code_prefix": rng.choice(("01310", 1310, "22041-001", None)),
        "customer_city": rng.choice(("São Paulo", "rio de janeiro / rj", None)),
        "customer_state": rng.choice(("SP", "rj", None)),
    }
    return "customer_update", {"customers": {"customer_id": rng.choice(cast.customers), **_update(rng, place)}}


def _product(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    columns = {
        "product_category_name": rng.choice(("beleza_saude", "sem_traducao", None)),
        "product_weight_g": rng.choice((225, 0, None)),
        "product_photos_qty": rng.randrange(3),
        "product_width_cm": 10,
    }
    return "product_update", {"products": {"product_id": rng.choice(cast.products), **_update(rng, columns)}}


def _seller(rng: random.Random, cast: Cast, at: datetime) -> tuple[str, Any]:
    columns = {
        "seller_zip_code_prefix": rng.choice(("13023", None)),
        "seller_city": rng.choice(("Campinas", "são josé dos campos - sp", None)),
        "seller_state": rng.choice(("SP", "mg")),
    }
    return "seller_update", {"sellers": {"seller_id": rng.choice(cast.sellers), **_update(rng, columns)}}


_MAKERS = (_placed, _status, _paid, _reviewed, _customer, _product, _seller)
