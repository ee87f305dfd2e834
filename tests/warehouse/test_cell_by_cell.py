"""Every cell of every published table equals that of the reference, which is plain Python and knows no SQL."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from reference import KEYS, compute, differences, schema_of
from reference.world import World

from armazem.shop.history import generate

from .shop import Shop

pytestmark = pytest.mark.xdist_group("cells")
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "olist-sample"


def wrong_cells(shop: Shop, folder: Path) -> dict[str, list[str]]:
    """Load the folder into an empty home, build, and compare; only the tables that differ."""
    shop.reset()
    shop.load(folder, partial=True)
    shop.build()
    expected = compute(folder)
    assert set(expected) == set(KEYS)
    found = {}
    for table, key in KEYS.items():
        found[table] = differences(expected[table], shop.rows(f"{schema_of(table)}.{table}"), key)
    return {table: wrong for table, wrong in found.items() if wrong}


def test_generated_data_with_every_defect(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    generate(folder, orders=1500, seed=11)
    assert wrong_cells(shop, folder) == {}
    assert len(shop.rows("marts.fact_orders")) == 1500

    # The same through the command: dates are text there, decimals numbers with all their digits.
    answer = shop.armazem("sql", "from kpis.agg_monthly_growth", "--format", "json")
    shown = json.loads(answer.out, parse_float=Decimal)
    for row in shown:
        row["month"] = date.fromisoformat(row["month"])
        for name in ("revenue", "revenue_growth_pct", "new_customer_growth_pct", "customer_growth_pct"):
            row[name] = None if row[name] is None else Decimal(row[name])
    assert differences(compute(folder)["agg_monthly_growth"], shown, ("month",)) == []


def test_the_real_sample(shop: Shop) -> None:
    if not SAMPLE.is_dir():
        pytest.skip(f"the real sample is not at {SAMPLE}")
    assert wrong_cells(shop, SAMPLE) == {}


def nasty() -> World:
    """Each order is a case that has gone wrong somewhere."""
    w = World()
    w.add("product_category_name_translation", product_category_name="beleza", product_category_name_english="beauty")
    w.add("olist_products_dataset", product_id="p1", product_category_name="beleza", product_weight_g=100)
    w.add("olist_products_dataset", product_id="p2", product_category_name="pc_gamer", product_length_cm=3)
    w.add("olist_products_dataset", product_id="p3")
    cities = ("São Paulo - SP", "sao paulo / sao paulo", "04482255", "vendas@creditparts.com.br", "D'Oeste`s")
    for number, city in enumerate(cities, 1):
        w.add("olist_sellers_dataset", seller_id=f"s{number}", seller_zip_code_prefix="1037", seller_city=city,
              seller_state="sp")  # fmt: skip
    for lat, city in (("-23.5", "sao paulo"), ("-23.5", "sao paulo"), ("-23.7", "são paulo"), ("48.8", "paris")):
        w.add("olist_geolocation_dataset", geolocation_zip_code_prefix="01037", geolocation_lat=lat,
              geolocation_lng="-46.6" if lat.startswith("-") else "2.3", geolocation_city=city,
              geolocation_state="SP")  # fmt: skip

    w.order("free", "c1", "2018-01-31 23:59:59", delivered="2018-02-01 00:00:00", estimated="2018-01-31")
    w.item("free", 1, "0", product="p1", seller="s1")
    w.item("free", 2, "0", product="p2", seller="s2")
    w.pay("free", "0.00", kind="not_defined", installments=0)
    w.order("vouchers", "c2", "2018-02-01", delivered="2018-02-10", estimated="2018-02-10 00:00:00")
    for number in range(1, 4):
        w.item("vouchers", number, "3.33", "0.01", product=f"p{number}", seller=f"s{number}")
    for number, value in enumerate(("3.01", "3.00", "4.01"), 1):
        w.pay("vouchers", value, number, kind="voucher" if number < 3 else "credit_card", installments=number)
    w.order("no_items", "c3", "2018-02-03", status="unavailable")
    w.pay("no_items", "9.99")
    w.order("no_items_valid", "c3b", "2018-02-03", status="created")
    w.pay("no_items_valid", "9.99", kind="boleto")
    w.order("no_payment", "c4", "2018-02-28 12:00:00", approved="2018-02-28 13:00:00", carrier="2018-02-28 12:30:00",
            delivered="2018-02-28 12:15:00")  # fmt: skip
    w.item("no_payment", 1, "10.00", product="p3", seller="s4")
    w.order("empty", "c5", "2018-05-01", status="canceled")
    # Clocks in Brazil went back at midnight of 2018-02-18, and forward on 2017-10-15: hours twice, and never.
    w.sale("spring", "ana", "2017-10-15 00:30:00", "12.34", product="p1", seller="s5")
    w.sale("autumn", "ana", "2018-02-17 23:30:00", "12.34", product="p2", seller="s5")
    w.sale("again", "ana", "2018-02-17 23:30:00", "12.34", product="p9", seller="s9")  # known to no file
    w.order("stranger", "nobody", "2018-03-04 05:06:07")
    w.item("stranger", 1, "5", product="p2", seller="s1")
    w.pay("stranger", "5")
    for number, person in enumerate(("bea", "bea", "caio", "duda"), 1):
        w.customer(f"c{number}", person, "Santa Bárbara d´Oeste", "sp", "1037")
    w.customer("c3b", "bea", "sao  paulo", "SP", "01037-000")
    w.customer("c5", "eva", "", "", "")
    w.add("olist_order_reviews_dataset", review_id="r", order_id="free", review_score=5,
          review_comment_message='linha 1\nlinha "2", 😀', review_creation_date="2018-02-02")  # fmt: skip
    w.add("olist_order_reviews_dataset", review_id="r", order_id="vouchers", review_score=1,
          review_answer_timestamp="2018-02-12 01:02:03")  # fmt: skip
    w.add("olist_order_reviews_dataset", review_id="q", order_id="vouchers", review_score=2)
    w.order("free", "c1", "2018-01-31 23:59:59", delivered="2018-02-01 00:00:01", estimated="2018-01-31")
    return w


def test_a_hand_made_world(shop: Shop, tmp_path: Path) -> None:
    assert wrong_cells(shop, nasty().write(tmp_path / "nasty")) == {}
    # Some of it by hand, so that the reference cannot be wrong in the same way.
    sales = {(r["order_id"], r["order_item_id"]): r for r in shop.rows("marts.fact_sales")}
    assert [sales["vouchers", n]["payment_value"] for n in (1, 2, 3)] == [Decimal("3.34")] * 3
    assert {r["seller_city"] for r in sales.values() if r["seller_id"] in ("s1", "s2")} == {"sao paulo"}
    orders = {r["order_id"]: r for r in shop.rows("marts.fact_orders")}
    assert orders["free"]["order_delivered_customer_date"] == datetime(2018, 2, 1, 0, 0, 1)  # the last row of a file
    assert orders["free"]["is_late"] is True
    assert orders["vouchers"]["is_late"] is False
    assert orders["stranger"]["customer_unique_id"] == "nobody"
    months = {r["month"]: r for r in shop.rows("kpis.agg_monthly_growth")}
    assert months[date(2017, 11, 1)]["orders"] == 0
