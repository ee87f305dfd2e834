"""The reference itself: KPIs over time and by product against numbers worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from . import compute
from .world import World

Row = dict[str, object]


def table(rows: list[Row], *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def test_monthly_growth_and_cohorts(tmp_path: Path) -> None:
    w = World()
    w.sale("o1", "ana", "2017-12-31 23:59:59", "100.00")
    w.sale("o2", "bia", "2017-12-01", "60.00")
    w.sale("o3", "ana", "2018-01-01", "90.00")
    w.sale("o4", "ana", "2018-01-20", "9.80")
    w.sale("o5", "caio", "2018-01-20", "59.20")
    w.sale("o6", "bia", "2018-03-02", "10.00")
    w.order("o7", "co7", "2018-05-01", status="canceled")
    w.order("o8", "co8", "2017-01-01", status="unavailable")
    tables = compute(w.write(tmp_path))
    columns = ("orders", "active_customers", "new_customers", "returning_customers", "cumulative_customers")
    assert table(tables["agg_monthly_growth"], *columns) == [
        (2, 2, 2, 0, 2),
        (3, 2, 1, 1, 3),
        (0, 0, 0, 0, 3),
        (1, 1, 0, 1, 3),
    ]
    percentages = ("new_customer_growth_pct", "customer_growth_pct", "revenue", "revenue_growth_pct")
    assert table(tables["agg_monthly_growth"], "month", *percentages) == [
        (date(2017, 12, 1), None, None, Decimal("160.00"), None),
        (
            date(2018, 1, 1),
            Decimal("-50.00"),
            Decimal("50.00"),
            Decimal("159.00"),
            Decimal("-0.63"),
        ),  # -0.625
        (date(2018, 2, 1), Decimal("-100.00"), Decimal("0.00"), Decimal("0.00"), Decimal("-100.00")),
        (date(2018, 3, 1), None, Decimal("0.00"), Decimal("10.00"), None),
    ]
    december, january = date(2017, 12, 1), date(2018, 1, 1)
    assert table(
        tables["agg_retained_customers_over_month"],
        *("cohort_month", "months_since_first", "cohort_size", "retained_customers", "retention_rate_pct"),
    ) == [
        (december, 0, 2, 2, Decimal(100)),
        (december, 1, 2, 1, Decimal(50)),
        (december, 2, 2, 0, Decimal(0)),
        (december, 3, 2, 1, Decimal(50)),
        (january, 0, 1, 1, Decimal(100)),
        (january, 1, 1, 0, Decimal(0)),
        (january, 2, 1, 0, Decimal(0)),
    ]


def test_trend_weeks_and_moving_average(tmp_path: Path) -> None:
    w = World()
    w.sale("o1", "ana", "2018-01-07 23:59:59", "10.00")  # a Sunday: the week of Monday, January 1
    w.sale("o2", "bia", "2018-01-08", "5.01")
    w.order("o3", "c", "2018-01-08", status="created")  # without items
    w.pay("o3", "5.00")
    w.sale("o4", "bia", "2018-01-30", "1.00")
    trend = compute(w.write(tmp_path))["agg_sales_trend"]
    shown = (
        "period_start",
        "orders",
        "units",
        "gmv",
        "revenue",
        "avg_order_value",
        "revenue_growth_pct",
        "revenue_moving_avg",
    )
    weeks = [row for row in trend if row["grain"] == "week"]
    assert table(weeks, *shown) == [
        (date(2018, 1, 1), 1, 1, Decimal(10), Decimal(10), Decimal(10), None, Decimal(10)),
        (
            date(2018, 1, 8),
            2,
            1,
            Decimal("5.01"),
            Decimal("10.01"),
            Decimal("5.01"),
            Decimal("0.10"),
            Decimal("10.01"),
        ),  # 5.005, 10.005
        (date(2018, 1, 15), 0, 0, Decimal(0), Decimal(0), None, Decimal(-100), Decimal("6.67")),  # 20.01 / 3
        (date(2018, 1, 22), 0, 0, Decimal(0), Decimal(0), None, None, Decimal("5.00")),  # 20.01 / 4
        (
            date(2018, 1, 29),
            1,
            1,
            Decimal(1),
            Decimal(1),
            Decimal(1),
            None,
            Decimal("2.75"),
        ),  # 11.01 / 4 = 2.7525
    ]
    days = [row for row in trend if row["grain"] == "day"]
    assert len(days) == 24
    assert table(days, "period_start", "revenue_moving_avg")[6:9] == [
        (date(2018, 1, 13), Decimal("2.86")),  # 20.01 / 7
        (date(2018, 1, 14), Decimal("1.43")),  # 10.01 / 7, the 7th is out
        (date(2018, 1, 15), Decimal("0.00")),
    ]
    assert table([row for row in trend if row["grain"] == "month"], *shown) == [
        (date(2018, 1, 1), 4, 3, Decimal("16.01"), Decimal("21.01"), Decimal("5.25"), None, Decimal("21.01")),
    ]


def test_product_ranks_and_ties(tmp_path: Path) -> None:
    w = World()
    w.sale("o1", "ana", "2018-01-07", "10.00", product="pb")
    w.sale("o2", "ana", "2018-01-08", "10.00", product="pa")
    w.sale("o3", "ana", "2018-12-31", "20.00", product="pc")
    w.order("o4", "c", "2018-12-31")
    w.item("o4", 1, "4.00", "1.00", product="pd")
    w.item("o4", 2, "4.00", "1.00", product="pd")
    w.pay("o4", "20.00")  # twice what it cost, 10.00 an item
    w.order("o5", "c", "2019-01-01", status="canceled")
    w.item("o5", 1, "99.00", product="pa")
    w.add("olist_products_dataset", product_id="pa", product_category_name="pc_gamer")
    w.add("olist_products_dataset", product_id="pc", product_category_name="moveis")
    w.add("olist_products_dataset", product_id="pd")
    names = {"product_category_name": "moveis", "product_category_name_english": "furniture"}
    w.add("product_category_name_translation", **names)
    products = compute(w.write(tmp_path))["agg_top_selling_products"]
    everything = [row for row in products if row["grain"] == "all"]
    assert table(
        everything,
        *("period_start", "product_id", "product_category", "units", "orders", "gmv", "revenue"),
        *("units_rank", "revenue_rank"),
    ) == [
        (None, "pa", "pc_gamer", 1, 1, Decimal(10), Decimal(10), 3, 3),
        (None, "pb", "uncategorized", 1, 1, Decimal(10), Decimal(10), 4, 4),
        (None, "pc", "furniture", 1, 1, Decimal(20), Decimal(20), 2, 2),
        (None, "pd", "uncategorized", 2, 1, Decimal(8), Decimal(20), 1, 1),
    ]
    weeks = [row for row in products if row["grain"] == "week"]
    assert table(weeks, "period_start", "product_id") == [
        (date(2018, 1, 1), "pb"),
        (date(2018, 1, 8), "pa"),
        (date(2018, 12, 31), "pc"),
        (date(2018, 12, 31), "pd"),
    ]
    assert {row["period_start"] for row in products if row["grain"] == "year"} == {date(2018, 1, 1)}


def test_only_the_first_hundred_of_either_rank(tmp_path: Path) -> None:
    w = World()
    w.order("o", "c", "2018-01-01")
    for number in range(1, 103):
        w.item("o", number, f"{number}.00", product=f"p{number:03}")
    w.item("o", 103, "0.50", product="p001")
    w.pay("o", "5253.50")  # 1 + 2 + ... + 102 and 0.50
    rows = [r for r in compute(w.write(tmp_path))["agg_top_selling_products"] if r["grain"] == "all"]
    # p001 (2 units, 1.50) is first by units; p002 and p003 are 102nd, 101st by units and by revenue
    # 101st, 100th: p002 goes.
    assert len(rows) == 101
    assert table(rows, "product_id", "units_rank", "revenue_rank")[:2] == [
        ("p001", 1, 102),
        ("p003", 101, 100),
    ]


def test_nothing_gives_empty_tables(tmp_path: Path) -> None:
    tables = compute(tmp_path)
    assert len(tables) == 17
    assert not any(tables.values())
