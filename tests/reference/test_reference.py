"""The reference itself: facts against numbers worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from . import compute
from .world import World

Row = dict[str, object]


def values(rows: list[Row], column: str) -> list[object]:
    return [row[column] for row in rows]


@pytest.mark.parametrize(
    ("paid", "items", "shares"),
    [
        ("10.00", ["1", "1", "1"], ["3.34", "3.33", "3.33"]),  # 0.01 left over, the first of equals
        ("0.05", ["1", "1"], ["0.02", "0.03"]),  # 2.5 cents each round up, so -0.01
        ("10.00", ["1", "2", "3"], ["1.67", "3.33", "5.00"]),
        ("1.00", ["1", "2", "3", "1"], ["0.14", "0.29", "0.43", "0.14"]),  # 14.29 28.57 42.86 14.29
        ("0.02", ["1", "1", "1", "4"], ["0.00", "0.00", "0.00", "0.02"]),  # 0.29 0.29 0.29 1.14: 0 0 0 1
        ("10.00", ["0", "0", "0"], ["3.34", "3.33", "3.33"]),  # nothing to weigh by
        ("0.00", ["0", "0"], ["0.00", "0.00"]),
    ],
)
def test_allocation(tmp_path: Path, paid: str, items: list[str], shares: list[str]) -> None:
    w = World()
    w.order("o", "c", "2018-01-01")
    for number, price in reversed(list(enumerate(items, 1))):
        w.item("o", number, price)
    w.pay("o", paid)
    sales = compute(w.write(tmp_path))["fact_sales"]
    assert values(sales, "payment_value") == [Decimal(share) for share in shares]


def test_weights_include_freight_and_vouchers_add_up(tmp_path: Path) -> None:
    w = World()
    w.order("o", "c", "2018-01-01")
    w.item("o", 1, "10.00", "20.00")
    w.item("o", 2, "10.00", "0.00")
    w.pay("o", "12.00", 1, "voucher")
    w.pay("o", "13.00", 2, "voucher", installments=0)
    w.pay("o", "15.00", 3, "credit_card", installments=8)
    tables = compute(w.write(tmp_path))
    assert values(tables["fact_sales"], "payment_value") == [Decimal("30.00"), Decimal("10.00")]
    (order,) = tables["fact_orders"]
    assert (order["main_payment_type"], order["installments"], order["revenue"]) == (
        "voucher",
        8,
        Decimal("40.00"),
    )
    assert values(tables["fact_payments"], "payment_installments") == [1, 1, 8]


def test_main_payment_type_tie_goes_to_the_lowest_sequential(tmp_path: Path) -> None:
    w = World()
    w.order("o", "c", "2018-01-01")
    w.pay("o", "4.00", 5, "boleto")
    w.pay("o", "1.00", 3, "boleto")
    w.pay("o", "2.00", 4, "credit_card")
    w.pay("o", "3.00", 2, "credit_card")
    assert compute(w.write(tmp_path))["fact_orders"][0]["main_payment_type"] == "credit_card"


def test_orders_without_items_payments_or_a_known_customer(tmp_path: Path) -> None:
    w = World()
    w.order("noitems", "c1", "2018-01-01")
    w.pay("noitems", "9.00")
    w.order("nopay", "c1", "2018-01-02")
    w.item("nopay", 1, "5.00", "1.00")
    w.item("ghost", 1, "5.00")
    w.pay("ghost", "5.00")
    tables = compute(w.write(tmp_path))
    noitems, nopay = tables["fact_orders"]
    assert (noitems["items"], noitems["gmv"], noitems["revenue"]) == (0, Decimal(0), Decimal(9))
    assert (nopay["revenue"], nopay["main_payment_type"], nopay["installments"]) == (Decimal(0), None, None)
    assert nopay["customer_unique_id"] == "c1"
    assert (nopay["customer_city"], nopay["is_late"], nopay["days_to_deliver"]) == (None, None, None)
    assert values(tables["fact_sales"], "order_id") == ["nopay"]
    assert values(tables["fact_sales"], "payment_value") == [Decimal(0)]
    assert values(tables["fact_payments"], "order_id") == ["noitems"]
    assert tables["dim_locations"] == tables["fact_reviews"] == []


def test_durations_and_lateness(tmp_path: Path) -> None:
    w = World()
    w.order(
        "a",
        "c",
        "2018-01-01 00:00:00",
        approved="2018-01-03 00:00:00",
        carrier="2018-01-02 12:00:00",  # half a day before the approval
        delivered="2018-01-05 23:59:59",
        estimated="2018-01-05 00:00:00",
    )
    w.order("b", "c", "2018-01-01", delivered="2018-01-06 00:00:00", estimated="2018-01-05 00:00:00")
    w.order("c", "c", "2018-01-01 00:00:00", delivered="2018-01-01 00:07:12")  # 432 s: 0.005 days
    a, b, c = compute(w.write(tmp_path))["fact_orders"]
    assert (a["days_to_deliver"], a["handling_days"], a["transit_days"]) == (
        Decimal(5),
        Decimal("-0.5"),
        Decimal("3.5"),
    )
    assert [a["is_late"], b["is_late"], c["is_late"]] == [False, True, None]
    assert c["days_to_deliver"] == Decimal("0.01")


def test_review_of_an_order_is_the_newest(tmp_path: Path) -> None:
    w = World()
    w.order("o", "c", "2018-01-01")
    for review_id, score, created, answered in (
        ("r1", 1, "2018-02-09 00:00:00", ""),
        ("r2", 2, "2018-02-01 00:00:00", "2018-02-03 10:00:00"),
        ("r3", 3, "2018-02-02 00:00:00", "2018-02-03 10:00:00"),
        ("r4", 4, "2018-02-02 00:00:00", "2018-02-03 10:00:00"),
    ):
        w.add(
            "olist_order_reviews_dataset",
            review_id=review_id,
            order_id="o",
            review_score=score,
            review_comment_message=" bom \n\U0001f600",
            review_creation_date=created,
            review_answer_timestamp=answered,
        )
    tables = compute(w.write(tmp_path))
    assert tables["fact_orders"][0]["review_score"] == 4
    assert values(tables["fact_reviews"], "review_score") == [1, 2, 3, 4]
    assert tables["fact_reviews"][0]["review_comment_message"] == "bom \n\U0001f600"


def test_later_rows_and_folders_win(tmp_path: Path) -> None:
    old, new = World(), World()
    dashed = "0F8FAD5B-D9CB-469F-A165-70867728950e"
    plain = dashed.replace("-", "").lower()
    old.order(dashed, "c", "2018-01-01", status="created")
    old.order(plain, "c", "2018-01-01", status="shipped")
    old.pay(plain, "5.00")
    new.order(plain, "c", "2018-01-01", status="canceled")
    folders = [old.write(tmp_path / "old"), new.write(tmp_path / "new")]
    assert values(compute(folders[0])["fact_orders"], "order_status") == ["shipped"]
    (order,) = compute(folders)["fact_orders"]
    assert (order["order_status"], order["is_valid_sale"], order["revenue"]) == (
        "canceled",
        False,
        Decimal(5),
    )
    assert compute(folders)["agg_sales_trend"] == []
