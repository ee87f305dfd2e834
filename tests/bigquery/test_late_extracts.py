"""Extracts in another order than they were made, refunds and ids of other shops: the same rows on both targets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from reference import KEYS, compute
from reference import differences as of_rows
from reference.world import World
from warehouse.shop import Shop

from .twins import Cloud, differences, tables_of

pytestmark = pytest.mark.xdist_group("bigquery")
DASHED = "0F8FAD5B-D9CB-469F-A165-70867728950E"
TOLD = datetime(2018, 3, 9, 11, tzinfo=UTC)


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
    shop = World()
    shop.order("a-bC1", "c-other", "2018-03-01", status="approved", approved="2018-03-01 10:00:00")
    return shop.write(folder)


def test_late_extracts(shop: Shop, empty_cloud: Cloud, tmp_path: Path) -> None:
    folders = [day_2(tmp_path / "day-2"), day_1(tmp_path / "day-1"), corrected(tmp_path / "corrected")]
    cloud = empty_cloud
    shop.reset()
    for warehouse in (shop, cloud):
        warehouse.load(folders[0], partial=True)
        assert "first build" in warehouse.build().reason
    assert differences(tables_of(shop), cloud.tables()) == []
    for warehouse in (shop, cloud):
        warehouse.load(folders[1], partial=True)
        warehouse.load(folders[2], partial=True, as_of=TOLD)
        assert "incremental" in warehouse.build().reason
    assert differences(tables_of(shop), cloud.tables()) == []
    expected = compute(folders, [None, None, TOLD])
    for table in ("fact_orders", "fact_sales", "fact_payments"):
        assert of_rows(expected[table], shop.rows(f"marts.{table}"), KEYS[table]) == [], table
    assert {row["order_id"]: row["order_status"] for row in expected["fact_orders"]} == {
        "AbC-1": "delivered",
        "aBc1": "canceled",
        "a-bC1": "approved",
        DASHED.replace("-", "").lower(): "shipped",
    }
    told = {row["load_id"]: row["as_of"] for row in shop.rows("meta.loads")}
    assert sorted(filter(None, told.values())) == [TOLD]
    assert cloud.query("select as_of from shop_meta.loads where as_of is not null").rows[0][0] == TOLD
