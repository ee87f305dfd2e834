"""What a view counts, against plain Python over the same rows: each order once, each cent once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armazem.serve.dashboard.compare import Parts, parted, periods
from armazem.serve.dashboard.maps import map_of, places
from armazem.serve.dashboard.pages.overview import EMPTY, by_state, course, payments, states, trend
from armazem.serve.dashboard.periods import on_axis
from armazem.serve.dashboard.queries import Query, orders, sales
from armazem.serve.dashboard.theme import DARK, LIGHT
from armazem.serve.dashboard.view import View
from armazem.targets.duckdb.query import fetch
from armazem.targets.rows import Rows

TABLES = """
create schema marts;
create table marts.fact_orders (
    order_id varchar, customer_id varchar, customer_unique_id varchar, customer_city varchar, customer_state varchar,
    order_purchase_timestamp timestamp, is_valid_sale boolean, is_late boolean, days_to_deliver decimal(18, 2),
    review_score bigint, main_payment_type varchar, order_status varchar,
    order_delivered_customer_date timestamp, order_estimated_delivery_date timestamp,
    items bigint, gmv decimal(18, 2), freight decimal(18, 2),
    revenue decimal(18, 2)
);
create table marts.fact_sales (
    order_id varchar, order_item_id bigint, product_id varchar, seller_id varchar, customer_state varchar,
    order_purchase_timestamp timestamp, is_valid_sale boolean, price decimal(18, 2), freight_value decimal(18, 2),
    payment_value decimal(18, 2)
);
create table marts.dim_products (
    product_id varchar, product_category_name varchar, product_category_name_english varchar
);
create table marts.dim_customers (customer_id varchar, latitude decimal(18, 6), longitude decimal(18, 6));
create table marts.dim_locations (latitude decimal(18, 6), longitude decimal(18, 6));
insert into marts.dim_products values
    ('p0', 'brinquedos', 'toys'), ('p1', 'brinquedos', 'toys'), ('p2', 'so aqui', null), ('p3', null, null);
insert into marts.dim_locations values (-23.5, -46.6), (-3.1, -60.0);
"""
CATEGORIES = {"p0": "toys", "p1": "toys", "p2": "so aqui", "p3": "uncategorized", "p4": "uncategorized"}
START = datetime(2018, 1, 30)


def shop(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders and their items; those of number 0 mod 7 are canceled, some have no item."""
    found, items = [], []
    for number in range(60):
        placed = START + timedelta(hours=(number * (7 + seed)) % 900)
        order = {
            "order_id": f"o{number}",
            "customer_id": f"c{number}",
            "customer_unique_id": f"u{number % 40}",
            "customer_city": "são <b>paulo</b>" if number % 3 else None,
            "customer_state": ("SP", "RJ", None)[(number + seed) % 3],
            "order_purchase_timestamp": placed,
            "is_valid_sale": number % 7 != 0,
            "is_late": (None, True, False, False)[number % 4],
            "days_to_deliver": Decimal(number) / 10,
            "review_score": number % 5 + 1,
            "main_payment_type": ("boleto", "credit_card", None)[number % 3],
        }
        mine = [
            {
                "order_id": order["order_id"],
                "order_item_id": item + 1,
                "product_id": f"p{(number * 3 + item + seed) % 5}",
                "seller_id": f"s{(number + item) % 4}",
                "customer_state": order["customer_state"],
                "order_purchase_timestamp": placed,
                "is_valid_sale": order["is_valid_sale"],
                "price": Decimal(100 * item + number) / 100,
                "freight_value": Decimal("1.99"),
                "payment_value": Decimal(100 * item + number + 199) / 100,
            }
            for item in range(number % 4)
        ]
        order |= {
            "items": len(mine),
            "gmv": sum((one["price"] for one in mine), Decimal(0)),
            "freight": sum((one["freight_value"] for one in mine), Decimal(0)),
            "revenue": sum((one["payment_value"] for one in mine), Decimal(0)) if mine else Decimal("5.00"),
        }
        found.append(order)
        items += mine
    return found, items


@pytest.fixture(scope="module", params=[0, 1])
def warehouse(request: pytest.FixtureRequest) -> Iterator[tuple[duckdb.DuckDBPyConnection, Any]]:
    found, items = shop(request.param)
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        for table, rows in (("fact_orders", found), ("fact_sales", items)):
            names = ", ".join(rows[0])
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"insert into marts.{table} ({names}) values ({marks})", [list(row.values()) for row in rows]
            )
        connection.execute(
            "insert into marts.dim_customers select customer_id, -23.5, -46.6 from marts.fact_orders where items > 1"
        )
        yield connection, (found, items)


VIEWS = st.builds(
    View,
    start=st.none() | st.dates(date(2018, 1, 25), date(2018, 3, 1)),
    end=st.none() | st.dates(date(2018, 2, 1), date(2018, 3, 15)),
    grain=st.sampled_from(("day", "week", "month")),
    state=st.sampled_from(("", "", "SP", "RJ", "' or true --")),
    category=st.sampled_from(("", "", "toys", "so aqui", "uncategorized", "no such")),
    seller=st.sampled_from(("", "", "s0", "s3", "s9")),
)


def within(row: dict[str, Any], view: View) -> bool:
    day = row["order_purchase_timestamp"].date()
    return (
        row["is_valid_sale"]
        and (not view.start or day >= view.start)
        and (not view.end or day <= view.end)
        and (not view.state or row["customer_state"] == view.state)
    )


def matching(item: dict[str, Any], view: View) -> bool:
    return (not view.category or CATEGORIES[item["product_id"]] == view.category) and (
        not view.seller or item["seller_id"] == view.seller
    )


def answer(connection: duckdb.DuckDBPyConnection, query: Query) -> Rows:
    return fetch(connection, query.sql, query.parameters)


@given(view=VIEWS)
@settings(max_examples=60, deadline=None)
def test_orders_and_money_of_a_view(warehouse: Any, view: View) -> None:
    connection, (found, items) = warehouse
    kept = [item for item in items if within(item, view) and matching(item, view)]
    if view.by_item:
        expected_ids = {item["order_id"] for item in kept}
        revenue = sum((item["payment_value"] for item in kept), Decimal(0))
    else:
        expected_ids = {order["order_id"] for order in found if within(order, view)}
        revenue = sum((order["revenue"] for order in found if order["order_id"] in expected_ids), Decimal(0))
    rows = answer(connection, orders(view, "select order_id, revenue, period from orders")).rows
    assert sorted(row[0] for row in rows) == sorted(expected_ids)  # each once
    assert sum((row[1] for row in rows), Decimal(0)) == revenue
    people = {order["customer_unique_id"] for order in found if order["order_id"] in expected_ids}
    late = [order["is_late"] for order in found if order["order_id"] in expected_ids]
    parts = Parts.of(answer(connection, course(view)), EMPTY)
    assert {name: parts.whole[name] for name in EMPTY} == {
        "revenue": revenue,
        "orders": len(expected_ids),
        "customers": len(people),
        "late": late.count(True),
        "delivered": len(late) - late.count(None),
    }
    # Each order is in a square or, where its customer has no point, in its state.
    mapped = answer(connection, places(view))
    at, count, money = (mapped.columns.index(name) for name in ("drawn_at", "orders", "revenue"))
    assert sum(row[count] or 0 for row in mapped.rows) == len(expected_ids)
    assert sum((row[money] or 0 for row in mapped.rows), Decimal(0)) == revenue
    assert {row[at] for row in mapped.rows} <= {None, "SP", "RJ", "unknown"}
    units = answer(connection, sales(view, "select count(*), coalesce(sum(payment_value), 0) from sales")).rows[0]
    assert units == (len(kept), sum((item["payment_value"] for item in kept), Decimal(0)))


@given(view=VIEWS, of=st.sampled_from(["orders", "sales"]))
@settings(max_examples=40, deadline=None)
def test_one_pass_gives_the_view_its_periods_and_the_days_before(warehouse: Any, view: View, of: str) -> None:
    connection, _ = warehouse
    counted = "count(*) as count, sum(revenue) as money" if of == "orders" else "count(*) as count, sum(price) as money"

    def alone(view: View, group: str) -> list[tuple[Any, ...]]:
        read = orders if of == "orders" else sales
        return list(answer(connection, read(view, f"select {counted} from {of} {group}")).rows)

    rows = answer(connection, parted(view, of, counted))
    parts = Parts.of(rows, {"count": 0, "money": None})

    assert [(parts.whole["count"], parts.whole["money"])] == alone(view, "")
    before = view.before()
    assert [(parts.before["count"], parts.before["money"])] == (alone(before, "") if before else [(0, None)])
    expected = alone(view, "group by period order by period")
    assert [(period["count"], period["money"]) for period in parts.periods] == expected
    assert [row[1:] for row in periods(rows).rows] == expected


@given(view=VIEWS)
@settings(max_examples=15, deadline=None)
def test_charts_of_any_view_are_json(warehouse: Any, view: View) -> None:
    connection, _ = warehouse
    by_period = orders(
        view, "select period, sum(revenue) as revenue, count(*) as orders from orders group by period order by period"
    )
    by_type = orders(
        view,
        "select main_payment_type as payment_type, sum(revenue) as revenue, count(*) as orders "
        "from orders group by all",
    )
    for query, draw in (
        (by_period, trend), (states(view), by_state), (by_type, payments), (places(view), map_of("revenue")),
        (places(view), map_of("late")),
    ):  # fmt: skip
        for shades in (LIGHT, DARK):
            rows = answer(connection, query)
            rows = on_axis(view, rows, {"revenue": 0, "orders": 0}) if draw is trend else rows
            options, note = draw(view.with_(locale="pt-BR"), rows, shades)
            json.dumps(options, allow_nan=False)
            assert isinstance(note, str)
