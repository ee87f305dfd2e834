"""A shop of a few orders around one Wednesday, 29 August 2018, with what a report has to bear: names of files and
categories that are markup, refused rows, a refund, days without a sale.
"""

from __future__ import annotations

from pathlib import Path

from reference.world import World

DAY, WEEK_BEFORE, YEAR_BEFORE = "2018-08-29", "2018-08-22", "2017-08-30"
HOSTILE_FOLDER = '<img src=x onerror=alert(1)> & "it\'s" \x1b[31m'
HOSTILE_CATEGORY = "<script>alert('toys')</script>"


def write(folder: Path) -> Path:
    """The files, in a folder of that name below this one; the one of orders and of items have rows that do not fit."""
    world = World()
    world.add("olist_products_dataset", product_id="p", product_category_name="perfumaria", product_weight_g=100)
    world.add("olist_products_dataset", product_id="odd", product_category_name=HOSTILE_CATEGORY)
    world.add(
        "product_category_name_translation",
        product_category_name="perfumaria",
        product_category_name_english="perfumery",
    )
    for seller, city, state in (("s", "campinas", "SP"), ("t", "sao luis", "MA")):
        world.add("olist_sellers_dataset", seller_id=seller, seller_city=city, seller_state=state)
    _sale(world, "y1", YEAR_BEFORE, "100.00", state="RJ")
    _sale(world, "w1", WEEK_BEFORE, "33.33")
    _sale(world, "w2", WEEK_BEFORE, "66.67", state="MG")
    _sale(world, "w3", WEEK_BEFORE, "10.00", status="unavailable")
    _sale(world, "b1", "2018-08-25", "40.00")
    _sale(world, "d1", DAY, "1234.56", product="odd", seller="t", freight="15.44")
    _sale(world, "d2", DAY, "0.01", state="RJ")
    _sale(world, "d3", DAY, "80.00", person="somebody")
    _sale(world, "d4", DAY, "20.00", person="somebody", time="23:59:59")
    _sale(world, "d5", DAY, "500.00", status="canceled")
    world.pay("d3", "-30.00", number=2, kind="refund")
    # Delivered on the day: one in time, one late; and one each a week before.
    _delivered(world, "r1", "2018-08-14", f"{DAY} 15:00:00", "2018-09-05")
    _delivered(world, "r2", "2018-08-20", f"{DAY} 09:00:00", "2018-08-28")
    _delivered(world, "r3", "2018-08-15", f"{WEEK_BEFORE} 00:00:00", "2018-09-05")
    for number, (score, answered) in enumerate(((5, f"{DAY} 10:00:00"), (2, f"{DAY} 23:00:00"), (4, WEEK_BEFORE))):
        world.add(
            "olist_order_reviews_dataset", review_id=f"review{number}", order_id="r1", review_score=score,
            review_creation_date="2018-08-21 00:00:00", review_answer_timestamp=f"{answered} 00:00:00"[:19],
        )  # fmt: skip
    world.order("bad1", "cbad1", "yesterday")
    world.order("bad2", "cbad2", "tomorrow")
    world.item("d1", 2, "-5.00")
    world.write(folder / HOSTILE_FOLDER)
    return folder


def _sale(
    world: World, order: str, day: str, value: str, *, person: str = "", state: str = "SP", status: str = "shipped",
    time: str = "12:00:00", freight: str = "0.00", **item: str,
) -> None:  # fmt: skip
    world.customer(f"c{order}", person or f"person{order}", "a city", state)
    world.order(order, f"c{order}", f"{day} {time}", status=status)
    world.item(order, 1, value, freight, **item)
    world.pay(order, f"{float(value) + float(freight):.2f}")


def _delivered(world: World, order: str, day: str, delivered: str, estimated: str) -> None:
    world.customer(f"c{order}", f"person{order}", "a city", "BA")
    world.order(order, f"c{order}", f"{day} 12:00:00", delivered=delivered, estimated=f"{estimated} 00:00:00")
    world.item(order, 1, "50.00")
    world.pay(order, "50.00")


def ten_days(folder: Path) -> Path:
    """A shop that has been open for ten days, the last of which is a Friday, with a sale on each but the ninth."""
    world = World()
    for day in (*range(1, 9), 10):
        _sale(world, f"o{day}", f"2018-08-{day:02}", f"{day}.00", seller="s")
    return world.write(folder)
