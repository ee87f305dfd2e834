"""How long each seller's orders take, an order once per seller."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from .facts import NOWHERE, Facts, OrderFact
from .rounding import days, mean, percent, quantile

Rows = list[dict[str, object]]
ENOUGH = 5


def delivery_by_seller(facts: Facts) -> Rows:
    delivered = [f for f in facts.orders if f.order.status == "delivered" and f.deliver is not None]
    marketplace = days(mean(durations(delivered)))
    sellers: dict[str, list[OrderFact]] = defaultdict(list)
    for fact in delivered:
        for seller in {item.seller_id for item in fact.items if item.seller_id is not None}:
            sellers[seller].append(fact)
    averages = {seller: Fraction(sum(durations(o)), len(o)) for seller, o in sellers.items()}
    fence = upper_fence([averages[seller] for seller, orders in sellers.items() if len(orders) >= ENOUGH])
    table: Rows = []
    for seller, orders in sellers.items():
        place = facts.sellers.get(seller, NOWHERE)
        late = sum(1 for fact in orders if fact.late)
        outlier = fence is not None and len(orders) >= ENOUGH and averages[seller] > fence
        table.append(
            {
                "seller_id": seller,
                "seller_city": place.city,
                "seller_state": place.state,
                "delivered_orders": len(orders),
                "avg_days_to_deliver": days(averages[seller]),
                "median_days_to_deliver": days(quantile(durations(orders), Fraction(1, 2))),
                "p90_days_to_deliver": days(quantile(durations(orders), Fraction(9, 10))),
                "avg_handling_days": days(mean([f.handling for f in orders if f.handling is not None])),
                "avg_transit_days": days(mean([f.transit for f in orders if f.transit is not None])),
                "late_orders": late,
                "late_rate_pct": percent(late, len(orders)),
                "marketplace_avg_days": marketplace,
                "is_outlier": outlier,
            }
        )
    return table


def durations(orders: list[OrderFact]) -> list[int]:
    return [fact.deliver for fact in orders if fact.deliver is not None]


def upper_fence(averages: list[Fraction]) -> Fraction | None:
    """Above this an average is an outlier: the third quartile and 1.5 times the distance to the first."""
    if not averages:
        return None
    first, third = quantile(averages, Fraction(1, 4)), quantile(averages, Fraction(3, 4))
    return third + Fraction(3, 2) * (third - first)
