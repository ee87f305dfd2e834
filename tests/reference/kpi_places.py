"""By the customer's city and state: order value and how often people buy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from .facts import Facts, OrderFact
from .rounding import average_money, days, elapsed, mean, money, percent, rounded

Rows = list[dict[str, object]]


def by_place(facts: Facts) -> Iterator[tuple[dict[str, object], list[OrderFact]]]:
    """Each place and its valid sales; a missing state or city is a group of its own."""
    groups: dict[tuple[str, str | None, str | None], list[OrderFact]] = defaultdict(list)
    for fact in facts.sales:
        groups["city", fact.place.state, fact.place.city].append(fact)
        groups["state", fact.place.state, None].append(fact)
    for (level, state, city), sales in groups.items():
        yield {"level": level, "customer_state": state, "customer_city": city}, sales


def order_value_by_place(facts: Facts) -> Rows:
    table: Rows = []
    for place, sales in by_place(facts):
        revenue = sum(fact.revenue for fact in sales)
        table.append(
            {
                **place,
                "customers": len({fact.person for fact in sales}),
                "orders": len(sales),
                "revenue": money(revenue),
                "avg_order_value": average_money(revenue, len(sales)),
            }
        )
    return table


def purchase_frequency(facts: Facts) -> Rows:
    table: Rows = []
    for place, sales in by_place(facts):
        bought: dict[str | None, list[datetime]] = defaultdict(list)
        for fact in sales:
            bought[fact.person].append(fact.order.purchased)
        repeat = sum(1 for times in bought.values() if len(times) >= 2)
        gaps = [elapsed(a, b) or 0 for times in bought.values() for a, b in pairwise(sorted(times))]
        table.append(
            {
                **place,
                "customers": len(bought),
                "orders": len(sales),
                "purchase_frequency": rounded(Fraction(len(sales), len(bought)), 4),
                "repeat_customers": repeat,
                "repeat_rate_pct": percent(repeat, len(bought)),
                "avg_days_between_orders": days(mean(gaps)),
            }
        )
    return table
