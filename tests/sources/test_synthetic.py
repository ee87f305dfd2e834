"""The synthetic data set: its shape, its shares, its defects, and that it is the same each time."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from armazem.shop.history import LAST_DAY, generate
from armazem.shop.history.seasons import Calendar, black_friday

ORDERS = 10_000
REAL_ORDERS = 99_441
HEADERS = {
    "olist_orders_dataset.csv": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date",
    "olist_customers_dataset.csv": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,"
    "customer_state",
    "olist_order_items_dataset.csv": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,"
    "freight_value",
    "olist_order_payments_dataset.csv": "order_id,payment_sequential,payment_type,payment_installments,payment_value",
    "olist_order_reviews_dataset.csv": "review_id,order_id,review_score,review_comment_title,"
    "review_comment_message,review_creation_date,review_answer_timestamp",
    "olist_products_dataset.csv": "product_id,product_category_name,product_name_lenght,"
    "product_description_lenght,product_photos_qty,product_weight_g,product_length_cm,product_height_cm,"
    "product_width_cm",
    "olist_sellers_dataset.csv": "seller_id,seller_zip_code_prefix,seller_city,seller_state",
    "olist_geolocation_dataset.csv": "geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,"
    "geolocation_city,geolocation_state",
    "product_category_name_translation.csv": "product_category_name,product_category_name_english",
}


def table_name(file: str) -> str:
    return file.removesuffix(".csv").removeprefix("olist_").removesuffix("_dataset")


def digests(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def loaded(folder: Path) -> duckdb.DuckDBPyConnection:
    """The nine files as tables of text, read by a parser that is not the writer's."""
    warehouse = duckdb.connect()
    for file in HEADERS:
        warehouse.execute(
            f"create table {table_name(file)} as select * from read_csv(?, header = true, all_varchar = true,"
            """ delim = ',', quote = '"', escape = '"', strict_mode = true)""",
            [str(folder / file)],
        )
    return warehouse


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic")
    generate(path, orders=ORDERS, seed=42)
    return path


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with loaded(folder) as connection:
        yield connection


@pytest.fixture(scope="module")
def smallest_with_all_defects(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("thousand")
    generate(path, orders=1_000, seed=7)
    with loaded(path) as connection:
        yield connection


def number(warehouse: duckdb.DuckDBPyConnection, query: str) -> float:
    row = warehouse.sql(query).fetchone()
    assert row is not None
    return float(row[0])


# --- files ---


@pytest.mark.parametrize("file", HEADERS)
def test_header_is_the_real_one(folder: Path, file: str) -> None:
    first = (folder / file).read_bytes().split(b"\n", 1)[0]
    mark = b"\xef\xbb\xbf" if file == "product_category_name_translation.csv" else b""
    assert first == mark + HEADERS[file].encode()


@pytest.mark.parametrize("file", HEADERS)
def test_rows_are_well_formed_and_as_many_as_said(tmp_path: Path, file: str) -> None:
    said = generate(tmp_path, orders=300)
    text = (tmp_path / file).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    assert len(rows) == said[file] + 1
    assert {len(row) for row in rows} == {len(HEADERS[file].split(","))}
    assert "\r" not in text and text.endswith("\n")


def test_same_seed_same_bytes_and_other_seed_others(folder: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", orders=ORDERS, seed=42)
    generate(tmp_path / "other", orders=ORDERS, seed=43)
    again, other, first = digests(tmp_path / "again"), digests(tmp_path / "other"), digests(folder)
    assert again == first
    assert {file for file in HEADERS if other[file] == first[file]} == {"product_category_name_translation.csv"}


# Pinned: what the generator makes until Olist's own last day changes on purpose only.
BYTES = "c4e7decfcd32d9af"


def test_until_olists_last_day_are_the_pinned_bytes(folder: Path) -> None:
    found = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()
    assert found.startswith(BYTES)


DAYS = (date(2026, 11, 28), date(2024, 2, 29), date(2025, 6, 1), date(2018, 10, 16), date(2018, 11, 26))


@pytest.fixture(scope="module", params=DAYS, ids=str)
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[date, Path]:
    path = tmp_path_factory.mktemp("moved")
    generate(path, orders=3_000, seed=42, until=request.param)
    return request.param, path


def test_a_moved_history_ends_on_its_day_and_is_the_same_each_time(moved: tuple[date, Path], tmp_path: Path) -> None:
    until, folder = moved
    generate(tmp_path, orders=3_000, seed=42, until=until)
    assert digests(tmp_path) == digests(folder)
    with loaded(folder) as warehouse:
        [(last, orders)] = warehouse.sql(
            "select max(order_purchase_timestamp)[:10], count(distinct order_id) from orders"
        ).fetchall()
        assert (last, orders) == (str(until), 3_000)
        for broken in ORPHANS.values():
            assert number(warehouse, broken) == 0


def test_a_moved_history_has_as_much_of_everything_but_reviews(moved: tuple[date, Path], tmp_path: Path) -> None:
    """Those of the last weeks are not written yet."""
    until, folder = moved
    plain = generate(tmp_path, orders=3_000, seed=42)
    rows = generate(tmp_path, orders=3_000, seed=42, until=until)
    few = ("olist_order_reviews_dataset.csv", "olist_order_payments_dataset.csv")
    assert {file: n for file, n in rows.items() if file not in few} == {
        file: n for file, n in plain.items() if file not in few
    }
    assert rows[few[0]] == pytest.approx(plain[few[0]], rel=0.08) and rows[few[1]] == plain[few[1]]
    assert digests(tmp_path)["olist_customers_dataset.csv"] == digests(folder)["olist_customers_dataset.csv"]


def test_a_moved_history_knows_nothing_of_what_comes_after_it(moved: tuple[date, Path]) -> None:
    """No stage and no review lies after its last day; an order has the stages of its status, and still arrives."""
    until, folder = moved
    stages = ("order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date")
    with loaded(folder) as warehouse:
        for stage in stages:
            assert number(warehouse, f"select count(*) from orders where {stage}[:10] > '{until}'") == 0
        for column in ("review_creation_date", "review_answer_timestamp"):
            assert number(warehouse, f"select count(*) from order_reviews where {column}[:10] > '{until}'") == 0
        recent = f"from orders where order_purchase_timestamp[:10] > '{until - timedelta(days=4)}'"
        assert number(warehouse, f"select count(*) {recent} and order_status in ('processing', 'shipped')") > 0
        undelivered = "order_status = 'delivered' and order_delivered_customer_date is null"
        assert number(warehouse, f"select count(*) from orders where {undelivered}") <= 1
        assert number(warehouse, "select count(*) from orders where order_status = 'created' and "
                                 "order_approved_at is not null") == 0  # fmt: skip


@pytest.mark.parametrize("until", [LAST_DAY, *DAYS, date(2000, 1, 1), date(2200, 12, 31)], ids=str)
def test_black_friday_and_the_weekdays_are_those_of_the_calendar(until: date) -> None:
    calendar = Calendar(until)
    weights = {calendar.first + timedelta(k): weight for k, weight in enumerate(calendar.weights)}
    assert max(weights) == until and all(weight >= 0 for weight in weights.values())
    busiest = max(weights, key=weights.__getitem__)
    assert busiest == black_friday(busiest.year)
    for year in range(calendar.first.year + 1, until.year + 1):
        friday = black_friday(year)
        if friday in weights and friday - timedelta(days=365) > calendar.first - timedelta(days=180):
            assert weights[friday] > 3 * weights[friday - timedelta(days=7)]
    quiet = [day for day in weights if abs((day - black_friday(day.year)).days) > 6]
    by_weekday = [sum(weights[day] for day in quiet if day.weekday() == k) for k in range(7)]
    assert min(by_weekday) == by_weekday[5] and max(by_weekday) == by_weekday[0]


def test_black_fridays() -> None:
    known = {2016: 25, 2017: 24, 2018: 23, 2019: 29, 2024: 29, 2025: 28, 2026: 27}
    assert {year: black_friday(year).day for year in known} == known


@pytest.mark.parametrize("until", [date(1999, 12, 31), date(2201, 1, 1)])
def test_a_day_too_far_away_is_an_error(tmp_path: Path, until: date) -> None:
    with pytest.raises(ValueError, match="until must be from"):
        generate(tmp_path, orders=1, until=until)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Counts are exact and references hold when orders are written in several chunks."""
    monkeypatch.setattr("armazem.shop.history.sizes.CHUNK_ORDERS", 700)
    generate(tmp_path, orders=5_000)
    with loaded(tmp_path) as warehouse:
        assert number(warehouse, "select count(distinct order_id) from orders") == 5_000
        assert number(warehouse, "select count(distinct customer_unique_id) from customers") == 5_000 - 168
        assert number(warehouse, "select count(*) - count(distinct review_id) from order_reviews") == 41
        for orphans in ORPHANS.values():
            assert number(warehouse, orphans) == 0


def test_an_interrupted_run_leaves_nothing_with_a_final_name(tmp_path: Path) -> None:
    def interrupt(what: str, rows: int) -> None:
        assert not list(tmp_path.glob("*.csv"))  # what a kill at this point would leave
        if what == "olist_order_payments_dataset.csv":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, orders=10, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_progress_ends_at_the_rows_returned(tmp_path: Path) -> None:
    heard: dict[str, int] = {}
    assert generate(tmp_path, orders=20, progress=heard.__setitem__) == heard


@pytest.mark.parametrize("orders", [0, -1])
def test_no_orders_is_an_error(tmp_path: Path, orders: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path, orders=orders)


# --- references, at any size ---

ORPHANS = {
    "customer of an order": "select count(*) from orders anti join customers using (customer_id)",
    "order of a customer": "select count(*) from customers anti join orders using (customer_id)",
    "order of an item": "select count(*) from order_items anti join orders using (order_id)",
    "product of an item": "select count(*) from order_items anti join products using (product_id)",
    "seller of an item": "select count(*) from order_items anti join sellers using (seller_id)",
    "order of a payment": "select count(*) from order_payments anti join orders using (order_id)",
    "order of a review": "select count(*) from order_reviews anti join orders using (order_id)",
    "order id twice": "select count(*) - count(distinct order_id) from orders",
    "customer id twice": "select count(*) - count(distinct customer_id) from customers",
    "product id twice": "select count(*) - count(distinct product_id) from products",
    "seller id twice": "select count(*) - count(distinct seller_id) from sellers",
    "item twice": "select count(*) - count(distinct (order_id, order_item_id)) from order_items",
    "payment twice": "select count(*) - count(distinct (order_id, payment_sequential)) from order_payments",
    "review twice": "select count(*) - count(distinct (review_id, order_id)) from order_reviews",
    "items not numbered from 1": "select count(*) from (select order_id from order_items group by order_id"
    " having max(order_item_id::int) <> count(*) or min(order_item_id::int) <> 1)",
    "id that is not 32 hexadecimal characters": "select count(*) from (select order_id as id from orders"
    " union all select customer_id from orders union all select customer_unique_id from customers"
    " union all select product_id from products union all select seller_id from sellers"
    " union all select review_id from order_reviews) where not regexp_full_match(id, '[0-9a-f]{32}')",
    "prefix that is not five digits": "select count(*) from (select customer_zip_code_prefix as zip from customers"
    " union all select seller_zip_code_prefix from sellers union all select geolocation_zip_code_prefix"
    " from geolocation) where not regexp_full_match(zip, '[0-9]{5}')",
    "amount without two decimals": "select count(*) from (select price as amount from order_items"
    " union all select freight_value from order_items union all select payment_value from order_payments)"
    r" where not regexp_full_match(amount, '[0-9]+\.[0-9]{2}')",
    "estimate not at midnight": "select count(*) from orders where order_estimated_delivery_date not like '% 00:00:00'",
    "approved before purchase": "select count(*) from orders where order_approved_at < order_purchase_timestamp",
    "delivered before purchase": "select count(*) from orders"
    " where order_delivered_customer_date < order_purchase_timestamp",
}


@pytest.mark.parametrize("orphans", ORPHANS.values(), ids=ORPHANS.keys())
def test_nothing_is_broken_by_accident(warehouse: duckdb.DuckDBPyConnection, orphans: str) -> None:
    assert number(warehouse, orphans) == 0


@pytest.mark.parametrize("orders", [1, 2, 3, 5, 50, 999])
def test_tiny_sizes_hold_together(tmp_path: Path, orders: int) -> None:
    rows = generate(tmp_path, orders=orders, seed=1)
    assert rows["olist_orders_dataset.csv"] == rows["olist_customers_dataset.csv"] == orders
    assert min(rows.values()) > 0
    with loaded(tmp_path) as warehouse:
        for broken in ORPHANS.values():
            assert number(warehouse, broken) == 0


# --- shares: (query, real value, relative tolerance) ---

SHARES = {
    "items per order": ("select count(*) / 10000 from order_items", 112_650 / REAL_ORDERS, 0.03),
    "payments per order": ("select count(*) / 10000 from order_payments", 103_886 / REAL_ORDERS, 0.03),
    "reviews per order": ("select count(*) / 10000 from order_reviews", 99_224 / REAL_ORDERS, 0.001),
    "products per order": ("select count(*) / 10000 from products", 32_951 / REAL_ORDERS, 0.001),
    "sellers per order": ("select count(*) / 10000 from sellers", 3_095 / REAL_ORDERS, 0.01),
    "points per order": ("select count(*) / 10000 from geolocation", 1_000_163 / REAL_ORDERS, 0.001),
    "translations": ("select count(*) from product_category_name_translation", 71, 0),
    "people per order": ("select count(distinct customer_unique_id) / 10000 from customers", 96_096 / 99_441, 0.001),
    "orders elsewhere than the person's others": (
        "select count(*) filter (cities > 1) / count(*) from (select count(distinct customer_city) as cities"
        " from customers group by customer_unique_id having count(*) > 1)", 0.05, 0.8,
    ),
    "delivered": ("select avg((order_status = 'delivered')::int) from orders", 96_478 / REAL_ORDERS, 0.005),
    "shipped": ("select avg((order_status = 'shipped')::int) from orders", 1_107 / REAL_ORDERS, 0.1),
    "canceled": ("select avg((order_status = 'canceled')::int) from orders", 625 / REAL_ORDERS, 0.1),
    "unavailable": ("select avg((order_status = 'unavailable')::int) from orders", 609 / REAL_ORDERS, 0.1),
    "invoiced": ("select avg((order_status = 'invoiced')::int) from orders", 314 / REAL_ORDERS, 0.1),
    "processing": ("select avg((order_status = 'processing')::int) from orders", 301 / REAL_ORDERS, 0.1),
    "São Paulo state": ("select avg((customer_state = 'SP')::int) from customers", 0.42, 0.05),
    "states": ("select count(distinct customer_state) from customers", 27, 0),
    "items of several": (
        "select avg((n > 1)::int) from (select count(*) as n from order_items group by order_id)", 0.099, 0.1,
    ),
    "orders of several sellers": (
        "select avg((n > 1)::int) from (select count(distinct seller_id) as n from order_items group by order_id)",
        0.013, 0.25,
    ),
    "days to deliver": (
        "select avg(epoch(order_delivered_customer_date::timestamp - order_purchase_timestamp::timestamp)) / 86400"
        " from orders where order_status = 'delivered'", 12.5, 0.05,
    ),
    "late": (
        "select avg((order_delivered_customer_date > order_estimated_delivery_date)::int) from orders"
        " where order_status = 'delivered'", 0.08, 0.15,
    ),
    "days promised": (
        "select avg(epoch(order_estimated_delivery_date::timestamp - order_purchase_timestamp::timestamp)) / 86400"
        " from orders", 23.9, 0.1,
    ),
    "price": ("select avg(price::double) from order_items", 120.65, 0.08),
    "freight": ("select avg(freight_value::double) from order_items", 19.99, 0.08),
    "credit_card": ("select avg((payment_type = 'credit_card')::int) from order_payments", 0.739, 0.03),
    "boleto": ("select avg((payment_type = 'boleto')::int) from order_payments", 0.190, 0.06),
    "voucher": ("select avg((payment_type = 'voucher')::int) from order_payments", 0.0556, 0.2),
    "debit_card": ("select avg((payment_type = 'debit_card')::int) from order_payments", 0.0147, 0.3),
    "paid in one": (
        "select avg((payment_installments = '1')::int) from order_payments where payment_type = 'credit_card'",
        0.331, 0.1,
    ),
    "5 stars": ("select avg((review_score = '5')::int) from order_reviews", 0.578, 0.05),
    "1 star": ("select avg((review_score = '1')::int) from order_reviews", 0.115, 0.1),
    "reviews with a message": ("select count(review_comment_message) / count(*) from order_reviews", 0.413, 0.05),
    "paid more than due": (
        "with due as (select order_id, sum(price::decimal(12, 2) + freight_value::decimal(12, 2)) as amount"
        " from order_items group by order_id), paid as (select order_id, sum(payment_value::decimal(12, 2)) as amount"
        " from order_payments group by order_id)"
        " select avg((paid.amount <> due.amount)::int) from due join paid using (order_id)", 0.003, 0.6,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "real", "tolerance"), SHARES.values(), ids=SHARES.keys())
def test_shares_are_about_the_real_ones(
    warehouse: duckdb.DuckDBPyConnection, query: str, real: float, tolerance: float
) -> None:
    assert number(warehouse, query) == pytest.approx(real, rel=tolerance)


def test_what_is_paid_is_never_less_than_due(warehouse: duckdb.DuckDBPyConnection) -> None:
    less = """with due as (
            select order_id, sum(price::decimal(12, 2) + freight_value::decimal(12, 2)) as amount
            from order_items group by order_id
        ), paid as (
            select order_id, sum(payment_value::decimal(12, 2)) as amount from order_payments group by order_id
        )
        select count(*) from due join paid using (order_id) where paid.amount < due.amount"""
    assert number(warehouse, less) == 0


def test_black_friday_is_the_busiest_day(warehouse: duckdb.DuckDBPyConnection) -> None:
    days = warehouse.sql(
        "select order_purchase_timestamp[:10], count(*) from orders group by 1 order by 2 desc limit 2"
    ).fetchall()
    assert days[0] == ("2017-11-24", pytest.approx(1_176 * ORDERS / REAL_ORDERS, abs=1))
    assert days[1][1] < days[0][1] / 2


def test_the_period_is_whole_and_grows(warehouse: duckdb.DuckDBPyConnection) -> None:
    months = dict(warehouse.sql("select order_purchase_timestamp[:7], count(*) from orders group by 1").fetchall())
    assert (min(months), max(months)) == ("2016-09", "2018-10")
    assert months["2017-02"] < months["2017-05"] < months["2017-08"] < months["2018-01"]
    edges = warehouse.sql("select min(order_purchase_timestamp)[:10], max(order_purchase_timestamp)[:10] from orders")
    assert edges.fetchone() == ("2016-09-04", "2018-10-17")


def test_weekdays_and_hours_have_their_pattern(warehouse: duckdb.DuckDBPyConnection) -> None:
    share = "select avg(({} )::int) from orders"
    assert number(warehouse, share.format("isodow(order_purchase_timestamp::timestamp) = 6")) < 1 / 7
    assert number(warehouse, share.format("isodow(order_purchase_timestamp::timestamp) = 1")) > 1 / 7
    assert number(warehouse, share.format("hour(order_purchase_timestamp::timestamp) between 2 and 5")) < 0.03


def test_distance_costs_time_and_freight(warehouse: duckdb.DuckDBPyConnection) -> None:
    near, far = warehouse.sql("""
        select avg(epoch(order_delivered_customer_date::timestamp - order_delivered_carrier_date::timestamp)),
            avg(freight_value::double)
        from orders join customers using (customer_id) join order_items using (order_id) join sellers using (seller_id)
        group by customer_state <> seller_state order by customer_state <> seller_state
    """).fetchall()
    assert far[0] > 1.8 * near[0]
    assert far[1] > 1.4 * near[1]


# --- defects: (query, count among the 99,441 orders of the real files) ---

DEFECTS = {
    "order without item": ("select count(*) from orders anti join order_items using (order_id)", 775),
    "canceled or unavailable of those": (
        "select count(*) from orders anti join order_items using (order_id)"
        " where order_status in ('canceled', 'unavailable')", 767,
    ),
    "payment not_defined of 0": (
        "select count(*) from order_payments where payment_type = 'not_defined' and payment_value = '0.00'", 3,
    ),
    "0 installments": ("select count(*) from order_payments where payment_installments = '0'", 2),
    "voucher of 0": (
        "select count(*) from order_payments where payment_type = 'voucher' and payment_value = '0.00'", 6,
    ),
    "product without category": (
        "select count(*) from products where product_category_name is null and product_name_lenght is null"
        " and product_description_lenght is null and product_photos_qty is null", 610,
    ),
    "product without size": (
        "select count(*) from products where product_weight_g is null and product_length_cm is null"
        " and product_height_cm is null and product_width_cm is null", 2,
    ),
    "repeated review_id": ("select count(*) - count(distinct review_id) from order_reviews", 814),
    "repeated order in reviews": ("select count(*) - count(distinct order_id) from order_reviews", 551),
    "line break in a comment": (
        "select count(*) from order_reviews where contains(review_comment_message, chr(10))", 4_400,
    ),
    "quotation mark in a comment": (
        "select count(*) from order_reviews where contains(review_comment_message, chr(34))", 300,
    ),
    "emoji in a comment": (
        "select count(*) from order_reviews where regexp_matches(review_comment_message, '[❤-➿😀-🙏👀-📿]')", 450,
    ),
    "delivered without a delivery date": (
        "select count(*) from orders where order_status = 'delivered' and order_delivered_customer_date is null", 8,
    ),
    "carrier before approval": (
        "select count(*) from orders where order_delivered_carrier_date < order_approved_at", 1_359,
    ),
    "delivery before carrier": (
        "select count(*) from orders where order_delivered_customer_date < order_delivered_carrier_date", 23,
    ),
    "canceled with a delivery date": (
        "select count(*) from orders where order_status = 'canceled' and order_delivered_customer_date is not null", 6,
    ),
    "point outside Brazil": (
        "select count(*) from (select distinct * from geolocation where geolocation_lat::double not between -34 and 5.3"
        " or geolocation_lng::double not between -74 and -34.5)", 29,
    ),
    "duplicate point": (
        "select count(*) - (select count(*) from (select distinct * from geolocation)) from geolocation", 261_831,
    ),
    "customer without a point": (
        "select count(*) from customers where customer_zip_code_prefix not in"
        " (select geolocation_zip_code_prefix from geolocation)", 278,
    ),
    "seller without a point": (
        "select count(*) from sellers where seller_zip_code_prefix not in"
        " (select geolocation_zip_code_prefix from geolocation)", 7,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "real"), DEFECTS.values(), ids=DEFECTS.keys())
def test_defects_are_there_in_proportion(warehouse: duckdb.DuckDBPyConnection, query: str, real: int) -> None:
    expected = max(1.0, real * ORDERS / REAL_ORDERS)
    assert number(warehouse, query) == pytest.approx(expected, rel=0.15, abs=1.01)


PRESENT = {
    **{name: query for name, (query, _) in DEFECTS.items()},
    "prefix in several cities": "select count(*) from (select geolocation_zip_code_prefix from geolocation"
    " group by 1 having count(distinct strip_accents(geolocation_city)) > 1)",
    "city with and without accents": "select count(*) from (select strip_accents(geolocation_city) from geolocation"
    " group by 1 having count(distinct geolocation_city) > 1)",
    "product of pc_gamer": "select count(*) from products where product_category_name = 'pc_gamer'",
    "leading zero": "select count(*) from customers where customer_zip_code_prefix like '0%'",
    **{
        f"seller city like {pattern}": f"select count(*) from sellers where regexp_full_match(seller_city, '{pattern}')"
        for pattern in ("sao paulo / sao paulo", "sao paulo - sp", "[0-9]{8}", "[^@]+@[^@]+", "sp / sp",
                        "maua/sao paulo", "sao paulo, .*brasil")
    },
}  # fmt: skip


@pytest.mark.parametrize("query", PRESENT.values(), ids=PRESENT.keys())
def test_every_defect_is_there_from_a_thousand_orders_on(
    smallest_with_all_defects: duckdb.DuckDBPyConnection, query: str
) -> None:
    assert number(smallest_with_all_defects, query) >= 1


@pytest.mark.parametrize("size", ["warehouse", "smallest_with_all_defects"])
def test_exactly_one_order_has_no_payment(request: pytest.FixtureRequest, size: str) -> None:
    unpaid = "select count(*) from orders anti join order_payments using (order_id)"
    assert number(request.getfixturevalue(size), unpaid) == 1


def test_two_categories_have_no_translation(warehouse: duckdb.DuckDBPyConnection) -> None:
    untranslated = warehouse.sql(
        "select distinct product_category_name from products"
        " anti join product_category_name_translation using (product_category_name)"
        " where product_category_name is not null order by 1"
    ).fetchall()
    assert untranslated == [("pc_gamer",), ("portateis_cozinha_e_preparadores_de_alimentos",)]


def test_customers_have_plain_city_names_and_points_some_accents(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert number(warehouse, "select count(*) from customers where strip_accents(customer_city) <> customer_city") == 0
    accents = "select avg((strip_accents(geolocation_city) <> geolocation_city)::int) from geolocation"
    assert 0.02 < number(warehouse, accents) < 0.15
