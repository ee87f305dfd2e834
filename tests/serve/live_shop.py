"""A shop whose live state is tried: orders that are placed and reach a stage, and figures that must be the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from contract.event_examples import (
    identifier,
    item,
    order,
    order_initiated,
    order_status_update,
    payment,
)

from armazem.live.service import LiveState

from .live_reference import figures

EMPTY = {"orders": 0, "revenue": Decimal("0.00"), "by_status": {}, "by_state": {}, "recent_orders": []}

LATER = {"timestamp": "2026-11-22T20:00:00Z"}


def placed(number: int, *, value: float = 1.1, **envelope: Any) -> dict[str, Any]:
    """An order of its own, of a customer of its own."""
    order_id = identifier(1000 + number)
    return order_initiated(
        order(order_id=order_id, customer_id=identifier(50_000 + number)),
        [item(order_id=order_id)],
        [payment(order_id=order_id, payment_value=value)],
        **{"event_id": f"placed-{number}", **envelope},
    )


def reached(number: int, status: str, **envelope: Any) -> dict[str, Any]:
    row = order_status_update(status)["data"]["orders"]
    row["order_id"] = identifier(1000 + number)
    return order_status_update(orders=row, **{"event_id": f"{status}-{number}", **LATER, **envelope})


def same(live: LiveState, lines: list[bytes], published: dict[str, str] | None = None) -> None:
    expected = figures(lines, published or {})
    found = live.snapshot()
    assert found["error"] is None
    assert {name: found[name] for name in expected} == expected
    assert found["seq"] == int(lines[-1][7:].split(b",")[0])


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
