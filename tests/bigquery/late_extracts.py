"""Extracts in another order than they were made, with refunds and ids of other shops."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from reference.world import World

DASHED = "0F8FAD5B-D9CB-469F-A165-70867728950E"
TOLD = datetime(2018, 3, 9, 11, tzinfo=UTC)
# What each order is at the end.
STATUSES = {
    "AbC-1": "delivered",
    "aBc1": "canceled",
    "a-bC1": "approved",
    DASHED.replace("-", "").lower(): "shipped",
}


def day_2(folder: Path) -> Path:
    shop = World()
    for order_id, status in (
        ("AbC-1", "delivered"),
        ("aBc1", "canceled"),
        (DASHED, "invoiced"),
        ("a-bC1", "delivered"),
    ):
        delivered = "2018-03-08 11:00:00" if status == "delivered" else ""
        shop.order(order_id, f"c-{order_id}", "2018-03-01", status=status, delivered=delivered)
        for number, price in ((1, "1.00"), (2, "1.00"), (3, "4.00")):
            shop.item(order_id, number, price)
        shop.pay(order_id, "6.00", kind="pix")
    shop.pay("AbC-1", "-6.01", 2, kind="refund")
    shop.pay("aBc1", "-16.00", 2, kind="refund")
    return shop.write(folder)


def day_1(folder: Path) -> Path:
    shop = World()
    for order_id in ("AbC-1", "aBc1", DASHED.replace("-", "").lower()):
        shop.order(order_id, f"c-{order_id}", "2018-03-01", status="shipped", carrier="2018-03-02 11:00:00")
    return shop.write(folder)


def corrected(folder: Path) -> Path:
    """As of TOLD."""
    shop = World()
    shop.order("a-bC1", "c-other", "2018-03-01", status="approved", approved="2018-03-01 10:00:00")
    return shop.write(folder)
