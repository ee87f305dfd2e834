"""Orders and their items with everything derived from them; amounts in cents, durations in microseconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from .rounding import elapsed, units
from .source import Item, Order, Payment, Place, Review, Source

NOT_A_SALE = {"canceled", "unavailable"}
NOWHERE = Place(None, None, None, None)


@dataclass(frozen=True, slots=True)
class OrderFact:
    order: Order
    person: str | None
    place: Place
    valid: bool
    items: list[Item]
    gmv: int
    freight: int
    revenue: int
    refunded: int
    deliver: int | None
    handling: int | None
    transit: int | None
    late: bool | None
    payment_type: str | None
    installments: int | None
    score: int | None


@dataclass(frozen=True, slots=True)
class Line:
    item: Item
    fact: OrderFact
    seller: Place
    paid: int


@dataclass(frozen=True, slots=True)
class Facts:
    orders: list[OrderFact]
    lines: list[Line]
    payments: list[tuple[Payment, OrderFact]]
    reviews: list[Review]
    categories: dict[str, str]  # product_id: the category to show
    sellers: dict[str, Place]

    @property
    def sales(self) -> list[OrderFact]:
        return [fact for fact in self.orders if fact.valid]

    @property
    def sold(self) -> list[Line]:
        return [line for line in self.lines if line.fact.valid]


def build_facts(source: Source) -> Facts:
    items: dict[str, list[Item]] = defaultdict(list)
    for item in source.items.values():
        items[item.order_id].append(item)
    payments: dict[str, list[Payment]] = defaultdict(list)
    for payment in source.payments.values():
        payments[payment.order_id].append(payment)
    reviews: dict[str, list[Review]] = defaultdict(list)
    for review in source.reviews.values():
        reviews[review.order_id].append(review)

    facts = Facts([], [], [], [], categories(source), source.sellers)
    for order_id, order in source.orders.items():
        bought = sorted(items[order_id], key=lambda item: item.number)
        fact = order_fact(order, source.customers, bought, payments[order_id], reviews[order_id])
        facts.orders.append(fact)
        shares = allocate(fact.revenue, [item.price + item.freight for item in bought])
        for item, paid in zip(bought, shares, strict=True):
            seller = source.sellers.get(item.seller_id or "", NOWHERE)
            facts.lines.append(Line(item, fact, seller, paid))
        facts.payments.extend((payment, fact) for payment in payments[order_id])
        facts.reviews.extend(reviews[order_id])
    return facts


def categories(source: Source) -> dict[str, str]:
    shown: dict[str, str] = {}
    for product_id, columns in source.products.items():
        name = columns["product_category_name"]
        if isinstance(name, str):
            shown[product_id] = source.translation.get(name) or name
    return shown


def order_fact(
    order: Order,
    customers: dict[str, Place],
    items: list[Item],
    payments: list[Payment],
    reviews: list[Review],
) -> OrderFact:
    place = customers.get(order.customer_id or "", NOWHERE)
    late = None
    if order.delivered is not None and order.estimated is not None:
        late = order.delivered.date() > order.estimated.date()
    return OrderFact(
        order=order,
        person=place.person or order.customer_id,
        place=place,
        valid=order.status not in NOT_A_SALE,
        items=items,
        gmv=sum(item.price for item in items),
        freight=sum(item.freight for item in items),
        revenue=sum(payment.value for payment in payments),
        refunded=-sum(payment.value for payment in payments if payment.type == "refund"),
        deliver=elapsed(order.purchased, order.delivered),
        handling=elapsed(order.approved, order.carrier),
        transit=elapsed(order.carrier, order.delivered),
        late=late,
        payment_type=main_type(payments),
        installments=max((payment.installments for payment in payments), default=None),
        score=max(reviews, key=newest).score if reviews else None,
    )


def main_type(payments: Sequence[Payment]) -> str | None:
    """The type with the greatest sum; of several, the one that comes first. A refund pays nothing, unless alone."""
    payments = [payment for payment in payments if payment.type != "refund"] or payments
    sums: dict[str | None, int] = {}
    for payment in sorted(payments, key=lambda payment: payment.sequential):
        sums[payment.type] = sums.get(payment.type, 0) + payment.value
    return max(sums, key=lambda kind: sums[kind]) if sums else None  # the first of equals, in that order


def newest(review: Review) -> tuple[datetime, datetime, str]:
    return review.answered or datetime.min, review.created or datetime.min, review.review_id


def allocate(paid: int, weights: Sequence[int]) -> list[int]:
    """The payment's share of each item (in order of item number), in cents; the shares sum to the payment."""
    total = sum(weights)
    if total:
        shares = [units(Fraction(paid * weight, total)) for weight in weights]
    else:
        shares = [units(Fraction(paid, len(weights))) for _ in weights]
    if shares:
        largest = max(range(len(weights)), key=lambda index: weights[index])  # the first of equals
        shares[largest] += paid - sum(shares)
    return shares
