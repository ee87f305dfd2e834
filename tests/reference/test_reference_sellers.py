"""The reference itself: KPIs by seller and by place against numbers worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from . import compute
from .world import World

Row = dict[str, object]


def table(rows: list[Row], *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def test_sellers_share_an_order(tmp_path: Path) -> None:
    w = World()
    w.order("o1", "c", "2018-01-31 23:00:00")
    w.item("o1", 1, "10.00", seller="sb", product="px")
    w.item("o1", 2, "10.00", seller="sb", product="pw")
    w.item("o1", 3, "10.00", seller="sa", product="px")
    w.pay("o1", "20.00")
    w.sale("o2", "ana", "2018-01-01", "6.66", seller="sa", product="px")
    w.order("o4", "c", "2018-01-02")
    w.item("o4", 1, "5.00", seller="sc", product="pz")
    w.item("o4", 2, "5.00", seller="sc", product="py")
    w.pay("o4", "10.00")
    w.order("o3", "c", "2017-01-01", status="unavailable")
    w.item("o3", 1, "50.00", seller="sz")
    w.add("olist_sellers_dataset", seller_id="sa", seller_city="Sao Paulo-SP", seller_state="sp")
    rows = compute(w.write(tmp_path))["agg_sales_by_seller"]
    # o1: 6.67 each, and -0.01 on item 1: 6.66; sb 6.66 + 6.67, sa 6.67 + 6.66. The tie goes to the id.
    columns = (
        "seller_id",
        "seller_city",
        "orders",
        "units",
        "gmv",
        "revenue",
        "revenue_share_pct",
        "revenue_rank",
    )
    assert table(rows, *columns) == [
        ("sa", "sao paulo", 2, 2, Decimal("16.66"), Decimal("13.33"), Decimal("36.36"), 1),
        ("sb", None, 1, 2, Decimal(20), Decimal("13.33"), Decimal("36.36"), 2),
        ("sc", None, 1, 2, Decimal(10), Decimal(10), Decimal("27.28"), 3),
    ]
    assert table(rows, "first_sale_date", "last_sale_date", "top_product_id", "top_product_revenue") == [
        (date(2018, 1, 1), date(2018, 1, 31), "px", Decimal("13.33")),
        (date(2018, 1, 31), date(2018, 1, 31), "pw", Decimal("6.67")),
        (date(2018, 1, 2), date(2018, 1, 2), "py", Decimal(5)),
    ]


def test_delivery_times_and_outliers(tmp_path: Path) -> None:
    w = World()
    # Five sellers with five orders each; averages 1, 2, 3, 4 and 8 days: Q1 2, Q3 4, the fence 7.
    for seller, day in (("s1", 2), ("s2", 3), ("s3", 4), ("s4", 5), ("s5", 9)):
        for number in range(5):
            order_id = f"{seller}o{number}"
            w.order(order_id, "c", "2018-01-01", delivered=f"2018-01-{day:02} 00:00:00")
            w.item(order_id, 1, "1.00", seller=seller)
            w.item(order_id, 2, "1.00", seller=seller)  # the order counts once
    # s6 has four: slower than all, but too few.
    for number, day in enumerate((11, 12, 13, 14)):
        times = {"delivered": f"2018-01-{day} 12:00:00", "estimated": "2018-01-12 00:00:00"}
        if number == 0:
            times |= {"approved": "2018-01-01 06:00:00", "carrier": "2018-01-01 12:00:00"}
        w.order(f"s6o{number}", "c", "2018-01-01", **times)
        w.item(f"s6o{number}", 1, "1.00", seller="s6")
    w.order("none", "c", "2018-01-01", delivered="2018-01-02 00:00:00")  # no items: in the marketplace only
    w.order("canceled", "c", "2018-01-01", status="canceled", delivered="2018-03-01 00:00:00")
    w.order("nodate", "c", "2018-01-01")
    for order_id in ("canceled", "nodate"):
        w.item(order_id, 1, "1.00", seller="s7")
    rows = compute(w.write(tmp_path))["agg_avg_delivery_time_seller"]
    assert table(rows, "seller_id", "delivered_orders", "avg_days_to_deliver", "is_outlier") == [
        ("s1", 5, Decimal(1), False),
        ("s2", 5, Decimal(2), False),
        ("s3", 5, Decimal(3), False),
        ("s4", 5, Decimal(4), False),
        ("s5", 5, Decimal(8), True),
        ("s6", 4, Decimal(12), False),
    ]
    # 10.5, 11.5, 12.5, 13.5: the 90th percentile is at 2.7. The marketplace: (5 * 18 + 48 + 1) / 30.
    s6 = rows[5]
    assert (s6["median_days_to_deliver"], s6["p90_days_to_deliver"]) == (Decimal(12), Decimal("13.20"))
    assert (s6["avg_handling_days"], s6["avg_transit_days"]) == (Decimal("0.25"), Decimal(10))
    assert (s6["late_orders"], s6["late_rate_pct"], s6["marketplace_avg_days"]) == (
        2,
        Decimal(50),
        Decimal("4.63"),
    )
    assert (rows[0]["late_orders"], rows[0]["avg_handling_days"]) == (0, None)


def test_an_average_on_the_fence_is_no_outlier(tmp_path: Path) -> None:
    w = World()
    # Averages 1, 2, 3, 4 and 7 days: Q1 2, Q3 4, the fence 7.
    for seller, day in (("s1", 2), ("s2", 3), ("s3", 4), ("s4", 5), ("s5", 8)):
        for number in range(5):
            w.order(f"{seller}o{number}", "c", "2018-01-01", delivered=f"2018-01-{day:02} 00:00:00")
            w.item(f"{seller}o{number}", 1, "1.00", seller=seller)
    rows = compute(w.write(tmp_path))["agg_avg_delivery_time_seller"]
    assert table(rows, "is_outlier") == [(False,)] * 5


def test_places_and_repeat_buyers(tmp_path: Path) -> None:
    w = World()
    for order_id, person, city, state, day in (
        ("o1", "ana", "Santos", "SP", "2018-01-01"),
        ("o2", "ana", "Santos", "SP", "2018-01-11"),
        ("o3", "ana", "Campinas", "SP", "2018-01-06"),
        ("o4", "bia", "Santos", "SP", "2018-01-01"),
        ("o5", "caio", "", "SP", "2018-01-01"),
        ("o6", "dea", "", "", "2018-01-01"),
    ):
        w.customer(f"c{order_id}", person, city, state)
        w.order(order_id, f"c{order_id}", day, status="shipped")
        w.pay(order_id, "10.01")
    tables = compute(w.write(tmp_path))
    place = ("level", "customer_state", "customer_city", "customers", "orders")
    assert table(tables["agg_avg_order_value_city_state"], *place, "revenue", "avg_order_value") == [
        ("city", None, None, 1, 1, Decimal("10.01"), Decimal("10.01")),
        ("city", "SP", None, 1, 1, Decimal("10.01"), Decimal("10.01")),
        ("city", "SP", "campinas", 1, 1, Decimal("10.01"), Decimal("10.01")),
        ("city", "SP", "santos", 2, 3, Decimal("30.03"), Decimal("10.01")),
        ("state", None, None, 1, 1, Decimal("10.01"), Decimal("10.01")),
        ("state", "SP", None, 3, 5, Decimal("50.05"), Decimal("10.01")),
    ]
    frequency = ("purchase_frequency", "repeat_customers", "repeat_rate_pct", "avg_days_between_orders")
    assert table(tables["agg_customer_purchase_frequency"], *frequency) == [
        (Decimal(1), 0, Decimal(0), None),
        (Decimal(1), 0, Decimal(0), None),
        (Decimal(1), 0, Decimal(0), None),
        (Decimal("1.5"), 1, Decimal(50), Decimal(10)),
        (Decimal(1), 0, Decimal(0), None),
        (Decimal("1.6667"), 1, Decimal("33.33"), Decimal(5)),
    ]
