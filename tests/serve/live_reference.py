"""The rules of the live figures once more, in plain Python over the accepted lines: slow, short, and easy to check."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

NO_SALE = ("canceled", "unavailable")
STAGES = ("created", "approved", "invoiced", "processing", "shipped", "delivered", "canceled", "unavailable")
Version = tuple[datetime, int, str]


class Newest:
    """Values of one column by key: that of the newest version wins; null is no value."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[Version, Any]] = {}

    def offer(self, key: Any, version: Version, value: Any) -> None:
        if value is not None and (key not in self._found or version > self._found[key][0]):
            self._found[key] = (version, value)

    def get(self, key: Any, default: Any = None) -> Any:
        return self._found[key][1] if key in self._found else default

    def items(self) -> list[tuple[Any, Any]]:
        return [(key, value) for key, (_, value) in self._found.items()]


def figures(lines: Iterable[bytes], published: Mapping[str, str]) -> dict[str, Any]:
    """Figures of these journal lines that do not depend on the clock; `published`: states of customers."""
    placed, status, purchased, customer, paid, states = (Newest() for _ in range(6))
    items: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        event = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        at = datetime.fromisoformat(event["timestamp"]).astimezone(UTC)
        data = event["data"]
        version = (at, STAGES.index(data.get("orders", {}).get("order_status") or "created"), event["event_id"])
        if "orders" in data:
            order = data["orders"]
            order_id = order["order_id"]
            if event["event_type"] == "order_initiated":
                placed.offer(order_id, version, version)
            status.offer(order_id, version, order.get("order_status"))
            purchased.offer(order_id, version, order.get("order_purchase_timestamp"))
            customer.offer(order_id, version, order.get("customer_id"))
        for row in data.get("order_items", ()):
            items[row["order_id"]].add(int(row["order_item_id"]))
        for row in data.get("order_payments", ()):
            paid.offer((row["order_id"], int(row["payment_sequential"])), version, row.get("payment_value"))
        if "customers" in data:
            state = (data["customers"].get("customer_state") or "").strip(" ").upper() or None
            states.offer(data["customers"]["customer_id"], version, state)
    revenue: dict[str, Decimal] = defaultdict(lambda: Decimal("0.00"))
    for (order_id, _), value in paid.items():
        revenue[order_id] += value
    orders = [
        {
            "order_id": order_id,
            "order_purchase_timestamp": datetime.fromisoformat(purchased.get(order_id)),
            "status": status.get(order_id),
            "revenue": revenue[order_id],
            "items": len(items[order_id]),
            "customer_state": states.get(customer.get(order_id), published.get(customer.get(order_id), "unknown")),
            "timestamp": version[0],
            "version": version,
        }
        for order_id, version in placed.items()
    ]
    return summary(orders)


def summary(orders: list[dict[str, Any]]) -> dict[str, Any]:
    nothing = {"orders": 0, "revenue": Decimal("0.00")}
    by_status: dict[str, dict[str, Any]] = defaultdict(nothing.copy)
    by_state: dict[str, dict[str, Any]] = defaultdict(nothing.copy)
    for order in orders:
        by_status[order["status"]]["orders"] += 1
        by_status[order["status"]]["revenue"] += order["revenue"]
        by_state[order["customer_state"]]["orders"] += 1
        if order["status"] not in NO_SALE:
            by_state[order["customer_state"]]["revenue"] += order["revenue"]
    newest = sorted(orders, key=lambda order: order["version"], reverse=True)[:20]
    return {
        "orders": len(orders),
        "revenue": sum((group["revenue"] for group in by_state.values()), Decimal("0.00")),
        "by_status": dict(by_status),
        "by_state": dict(by_state),
        "recent_orders": [{name: order[name] for name in order if name != "version"} for order in newest],
    }
