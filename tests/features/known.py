"""Features a second time, in plain Python: every fact of every order, added up anew for each question."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

ENTITIES = ("seller", "lane", "marketplace", "product", "customer")
KEYS = {"seller": "seller_id", "lane": "lane", "product": "product_id", "customer": "customer_unique_id"}
SUMS = ("sold", "gmv_cents", "handed", "handling_s", "delivered", "total_s", "resolved", "late", "reviews", "score")
RATIOS = {
    "avg_order_value": ("gmv_cents", "sold", 100),
    "avg_handling_days": ("handling_s", "handed", 86_400),
    "avg_delivery_days": ("total_s", "delivered", 86_400),
    "late_rate": ("late", "resolved", 1),
    "avg_review_score": ("score", "reviews", 1),
}
SPANS = (("", None), ("_30d", 30), ("_90d", 90))
MOST_SECONDS = 100_000_000
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


class Shown:
    """The facts of the orders of `tables`, as reference.compute gives them."""

    def __init__(self, tables: Tables) -> None:
        self.orders, self.items = tables["fact_orders"], tables["fact_sales"]
        self.facts: dict[str, list[tuple[date, dict[str, int]]]] = defaultdict(list)
        bought = {order["order_id"]: order["order_purchase_timestamp"] for order in self.orders}
        for order in self.orders:
            self.facts[order["order_id"]] = list(_facts(order))
        for review in tables["fact_reviews"]:
            if (answered := review["review_answer_timestamp"]) and (order_id := review["order_id"]) in bought:
                told = {"reviews": 1, "score": review["review_score"]}
                self.facts[order_id].append((max(answered, bought[order_id]).date(), told))
        # Of each entity and id the orders, with the cents of its part in them.
        self.parts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for order in self.orders:
            for entity, id_ in (("marketplace", "all"), ("customer", order["customer_unique_id"])):
                self.parts[entity, id_][order["order_id"]] += cents(order["gmv"])
        for item in self.items:
            states = item["seller_state"], item["customer_state"]
            ids = {"seller": item["seller_id"], "product": item["product_id"]}
            if None not in states:
                ids["lane"] = "-".join(states)
            for entity, id_ in ids.items():
                self.parts[entity, id_][item["order_id"]] += cents(item["price"])
        self.newest = max(order["order_purchase_timestamp"] for order in self.orders).date() + timedelta(days=1)

    def ids(self, entity: str) -> list[str]:
        return sorted(id_ for of, id_ in self.parts if of == entity)

    def features(self, entity: str, id_: str, at: datetime) -> dict[str, int | float | None]:
        """All features of an entity as of a time, by the names of their columns."""
        found: dict[str, int | float | None] = {}
        for suffix, days in SPANS:
            sums = self._sums(entity, id_, at, days)
            found |= {f"{entity}_{name}{suffix}": value for name, value in sums.items()}
            for name, (above, below, unit) in RATIOS.items():
                divisor = sums[below] * unit
                found[f"{entity}_{name}{suffix}"] = float(Fraction(sums[above], divisor)) if divisor else None
        return found

    def _sums(self, entity: str, id_: str, at: datetime, days: int | None) -> dict[str, int]:
        sums = dict.fromkeys(SUMS, 0)
        for order_id, part in self.parts.get((entity, id_), {}).items():
            for known_on, told in self.facts[order_id]:
                if known_on >= at.date() or (days is not None and known_on < at.date() - timedelta(days=days)):
                    continue
                for name, value in told.items():
                    sums[name] += part if name == "gmv_cents" else value
        return sums

    def requests(self, count: int, seed: int) -> list[dict[str, Any]]:
        """Random entities at random times, many of them at midnight, the last moment before, or the first after."""
        rng = random.Random(seed)
        ids = {KEYS[entity]: self.ids(entity) for entity in KEYS}
        first = min(order["order_purchase_timestamp"] for order in self.orders)
        days = [day for facts in self.facts.values() for day, _ in facts if first.date() <= day <= self.newest]
        rows = []
        for _ in range(count):
            midnight = datetime.combine(rng.choice(days) + timedelta(days=rng.choice((0, 0, 1, 30, 90))), time())
            at = midnight + rng.choice(
                (timedelta(), timedelta(microseconds=-1), timedelta(seconds=rng.randrange(86_400)))
            )
            at = min(at, datetime.combine(self.newest, time(23, 59, 59, 999_999)))
            rows.append({column: rng.choice(known) for column, known in ids.items()} | {"at": at})
        return rows


def _facts(order: Mapping[str, Any]) -> Iterator[tuple[date, dict[str, int]]]:
    bought, carrier = order["order_purchase_timestamp"], order["order_delivered_carrier_date"]
    arrived, promised = order["order_delivered_customer_date"], order["order_estimated_delivery_date"]
    yield bought.date(), {"sold": 1, "gmv_cents": 0}
    if carrier is not None and carrier >= bought:
        yield carrier.date(), {"handed": 1, "handling_s": seconds(bought, carrier)}
    if arrived is not None and arrived >= bought:
        yield arrived.date(), {"delivered": 1, "total_s": seconds(bought, arrived)}
    passed = None if promised is None else datetime.combine(promised.date() + timedelta(days=1), time())
    if passed is not None and arrived is not None and arrived < passed:
        yield max(arrived, bought).date(), {"resolved": 1}
    elif passed is not None:
        yield max(passed, bought).date(), {"resolved": 1, "late": 1}


def seconds(earlier: datetime, later: datetime) -> int:
    """Whole seconds of the clock that begin between the two, at most as many as count."""
    return min(MOST_SECONDS, int((later.replace(microsecond=0) - earlier.replace(microsecond=0)).total_seconds()))


def cents(amount: Any) -> int:
    return int(Decimal(str(amount)) * 100)
