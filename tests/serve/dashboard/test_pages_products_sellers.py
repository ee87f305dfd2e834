"""What the pages of products and sellers count, against plain Python over the same rows, and what they draw of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from armazem.serve.dashboard.compare import Parts, Record
from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.grids import Column, written
from armazem.serve.dashboard.pages import products, sellers
from armazem.serve.dashboard.pages.sellers_delivery import FEWEST, deliveries, histogram, scatter
from armazem.serve.dashboard.paging import Wanted, page_of_answer
from armazem.serve.dashboard.queries import Query, known_seller
from armazem.serve.dashboard.theme import DARK, LIGHT
from armazem.serve.dashboard.view import View
from armazem.targets.duckdb.query import fetch
from armazem.targets.rows import Rows

TABLES = """
create schema marts;
create table marts.fact_orders (
    order_id varchar, customer_id varchar, customer_unique_id varchar, customer_city varchar, customer_state varchar,
    order_status varchar, order_purchase_timestamp timestamp, order_delivered_customer_date timestamp,
    order_estimated_delivery_date timestamp, is_valid_sale boolean, items bigint, gmv decimal(18, 2),
    freight decimal(18, 2), revenue decimal(18, 2), days_to_deliver decimal(18, 2), is_late boolean,
    main_payment_type varchar, review_score bigint
);
create table marts.fact_sales (
    order_id varchar, order_item_id bigint, product_id varchar, seller_id varchar, order_purchase_timestamp timestamp,
    order_delivered_timestamp timestamp, order_status varchar, is_valid_sale boolean, price decimal(18, 2),
    freight_value decimal(18, 2), payment_value decimal(18, 2), customer_state varchar, seller_city varchar,
    seller_state varchar
);
create table marts.dim_products (
    product_id varchar, product_category_name varchar, product_category_name_english varchar
);
create table marts.dim_sellers (seller_id varchar, seller_city varchar, seller_state varchar);
"""
HOSTILE = "<script>alert('{b}')</script>\"{a|x}"
CATEGORIES = {"p0": "toys", "p1": "toys", "p2": HOSTILE, "p3": "uncategorized", "p4": "uncategorized"}
CITIES = {"s0": "sao paulo", "s1": None, "s2": HOSTILE}
START = datetime(2018, 1, 1, 12)

VIEWS = (
    View(),
    View(start=date(2018, 1, 10), end=date(2018, 2, 3), grain="week"),
    View(state="RJ", grain="day"),
    View(category="toys"),
    View(category=HOSTILE, end=date(2018, 2, 20)),
    View(seller="s1"),
    View(seller="s2", category="toys", state="SP"),
)


def _history() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders with items of one seller or several; some canceled, on their way, without review, or without payment."""
    orders, items = [], []
    for number in range(240):
        placed = START + timedelta(hours=number * 5)
        status = "canceled" if number % 11 == 0 else "shipped" if number % 7 == 0 else "delivered"
        # The last seller takes long, a canceled order may have been delivered nonetheless, s4 has too few deliveries.
        late = number % 8 == 3
        arrived = placed + timedelta(days=2 + number % 4 + (30 if late else 0), minutes=number)
        order = {
            "order_id": f"o{number:03}",
            "customer_id": f"c{number}",
            "customer_unique_id": f"u{number}",
            "customer_city": HOSTILE if number % 5 else None,
            "customer_state": ("SP", "RJ", None)[number % 3],
            "order_status": status,
            "order_purchase_timestamp": placed,
            "order_delivered_customer_date": None if status == "shipped" else arrived,
            "order_estimated_delivery_date": placed + timedelta(days=10),
            "is_valid_sale": status != "canceled",
            "days_to_deliver": None if status == "shipped" else Decimal("1.00"),
            "is_late": None if status == "shipped" else late,
            "main_payment_type": "boleto",
            "review_score": number % 5 + 1 if number % 4 else None,
        }
        taken = [f"s{(number * 3 + at // 2) % 14}" for at in range(number % 4)] if number < 232 else ["s4"]
        mine = [
            {
                "order_id": order["order_id"],
                "order_item_id": at + 1,
                "product_id": f"p{(number + at) % 5}",
                "seller_id": seller,
                "order_purchase_timestamp": placed,
                "order_delivered_timestamp": order["order_delivered_customer_date"],
                "order_status": status,
                "is_valid_sale": order["is_valid_sale"],
                "price": Decimal(1000 + number * 7 + at) / 100,
                "freight_value": Decimal("1.99"),
                "payment_value": Decimal(1199 + number * 7 + at) / 100 if number % 13 else Decimal(0),
                "customer_state": order["customer_state"],
                "seller_city": CITIES.get(seller, "campinas"),
                "seller_state": "SP",
            }
            for at, seller in enumerate(taken)
        ]
        order |= {
            "items": len(mine),
            "gmv": sum((one["price"] for one in mine), Decimal(0)),
            "freight": Decimal("1.99") * len(mine),
            "revenue": sum((one["payment_value"] for one in mine), Decimal(0)),
        }
        orders.append(order)
        items += mine
    return orders, items


ORDERS, ITEMS = _history()
BY_ID = {order["order_id"]: order for order in ORDERS}


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        # p4 and s9 are sold before their own rows arrive.
        connection.executemany(
            "insert into marts.dim_products values (?, ?, ?)",
            [["p0", "brinquedos", "toys"], ["p1", "brinquedos", "toys"], ["p2", HOSTILE, None], ["p3", None, None]],
        )
        connection.execute("insert into marts.dim_sellers values ('s0', 'sao paulo', 'SP'), ('idle', null, 'RJ')")
        for table, rows in (("fact_orders", ORDERS), ("fact_sales", ITEMS)):
            names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"insert into marts.{table} ({names}) values ({marks})", [list(row.values()) for row in rows]
            )

        def answer(query: Query) -> Rows:
            return fetch(connection.cursor(), query.sql, query.parameters)

        yield answer


def _records(rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]


def _sold(view: View) -> list[dict[str, Any]]:
    """The items that the view is about."""
    return [
        item
        for item in ITEMS
        if item["is_valid_sale"]
        and (not view.start or item["order_purchase_timestamp"].date() >= view.start)
        and (not view.end or item["order_purchase_timestamp"].date() <= view.end)
        and view.state in ("", item["customer_state"])
        and view.category in ("", CATEGORIES[item["product_id"]])
        and view.seller in ("", item["seller_id"])
    ]


def _revenue(items: list[dict[str, Any]]) -> Decimal:
    return sum((item["payment_value"] for item in items), Decimal(0))


def _grouped(items: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        groups.setdefault(item[name], []).append(item)
    return groups


def _orders_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each once."""
    return [BY_ID[order_id] for order_id in sorted({item["order_id"] for item in items})]


def _days(orders: list[dict[str, Any]]) -> list[float]:
    return [
        (order["order_delivered_customer_date"] - order["order_purchase_timestamp"]) / timedelta(days=1)
        for order in orders
        if order["order_status"] == "delivered"
    ]


def _mean(values: list[Any]) -> Any:
    return pytest.approx(statistics.fmean(values)) if values else None


@pytest.mark.parametrize("view", VIEWS)
def test_products_are_ranked_and_counted(ask: Ask, view: View) -> None:
    sold = _sold(view)
    total = _revenue(sold)
    expected = [
        {
            "product_id": product,
            "category": CATEGORIES[product],
            "units": len(mine),
            "orders": len(_orders_of(mine)),
            "gmv": sum(item["price"] for item in mine),
            "revenue": _revenue(mine),
            "share": pytest.approx(float(_revenue(mine) / total)),
            "review_score": _mean([order["review_score"] for order in _orders_of(mine) if order["review_score"]]),
        }
        for product, mine in _grouped(sold, "product_id").items()
    ]
    expected.sort(key=lambda row: (-row["units"], -row["revenue"], row["product_id"]))

    assert _records(ask(products.best(view))) == [{"rank": at, **row} for at, row in enumerate(expected, 1)]


@pytest.mark.parametrize("view", VIEWS)
def test_products_over_time_add_up(ask: Ask, view: View) -> None:
    rows = _records(ask(products.best_over_time(view)))
    best = _records(ask(products.best(view)))[:5]

    periods = {row["period"] for row in rows}
    assert len(rows) == len(periods) * len(best)
    for product in best:
        mine = [row for row in rows if row["product_id"] == product["product_id"]]
        assert {row["place"] for row in mine} == {product["rank"]}
        assert sum(row["units"] for row in mine) == product["units"]
        assert sum(row["revenue"] for row in mine) == product["revenue"]


@pytest.mark.parametrize("view", VIEWS)
def test_categories_are_of_the_whole(ask: Ask, view: View) -> None:
    everything = _sold(view.with_(category=""))
    named = _grouped([item | {"category": CATEGORIES[item["product_id"]]} for item in everything], "category")

    found = {row["category"]: (row["units"], row["revenue"]) for row in _records(ask(products.categories(view)))}

    assert found == {category: (len(mine), _revenue(mine)) for category, mine in named.items()}


@pytest.mark.parametrize("view", VIEWS)
def test_sellers_are_ranked_and_counted(ask: Ask, view: View) -> None:
    """An order of several items of one seller is one order of it, and one delivery, and one review."""
    sold = _sold(view.with_(seller=""))
    expected = []
    for seller, mine in _grouped(sold, "seller_id").items():
        orders = _orders_of(mine)
        known = [order["is_late"] for order in orders if order["is_late"] is not None]
        expected.append(
            {
                "seller_id": seller,
                "seller_city": CITIES.get(seller, "campinas"),
                "seller_state": "SP",
                "orders": len(orders),
                "units": len(mine),
                "revenue": _revenue(mine),
                "share": pytest.approx(float(_revenue(mine) / _revenue(sold))),
                "days_to_deliver": _mean(_days(orders)),
                "late_rate": _mean(known),
                "review_score": _mean([order["review_score"] for order in orders if order["review_score"]]),
            }
        )
    expected.sort(key=lambda row: (-row["revenue"], row["seller_id"]))
    ranked = [{"rank": at, **row} for at, row in enumerate(expected, 1)]
    ranked.sort(key=lambda row: row["seller_id"] != view.seller)

    assert _records(ask(sellers.scores(view))) == ranked


@pytest.mark.parametrize("view", VIEWS)
def test_cards(ask: Ask, view: View) -> None:
    sold = _sold(view)
    product = _whole(ask(products.course(view)), products.EMPTY)
    seller = _whole(ask(sellers.sold(view)), sellers.NONE_SOLD)
    delivered = _whole(ask(sellers.delivered(view)), sellers.NONE_DELIVERED)

    assert product == {
        "products": len(_grouped(sold, "product_id")),
        "units": len(sold),
        "gmv": sum(item["price"] for item in sold),
        "revenue": _revenue(sold),
    }
    assert seller == {"sellers": len(_grouped(sold, "seller_id")), "revenue": _revenue(sold)}
    if view.by_item:
        assert delivered["orders"] == len(_orders_of(sold))
        assert delivered["days_to_deliver"] == _mean(_days(_orders_of(sold)))
    for figures, cards in ((products.figures, products.cards), (sellers.figures, sellers.cards)):
        assert len(figures(view, ask)) == len(cards())


def _whole(rows: Rows, nothing: Record) -> Record:
    found = Parts.of(rows, nothing).whole
    return {name: found[name] for name in nothing}


@pytest.mark.parametrize("view", VIEWS)
def test_outliers_follow_the_rule_of_the_kpi(ask: Ask, view: View) -> None:
    averages = {}
    for seller, mine in _grouped(_sold(view.with_(seller="")), "seller_id").items():
        days = _days(_orders_of(mine))
        if len(days) >= FEWEST:
            averages[seller] = (len(days), statistics.fmean(days))
    found = _records(ask(deliveries(view)))

    if view.category:  # else there may be orders without items
        usual = _mean(_days(_orders_of(_sold(view.with_(seller="")))))
        assert all(row["marketplace_days"] == usual for row in found)
    assert {row["seller_id"]: (row["delivered_orders"], row["days_to_deliver"]) for row in found} == {
        seller: (count, pytest.approx(average)) for seller, (count, average) in averages.items()
    }
    if len(averages) > 1:
        q1, _, q3 = statistics.quantiles((average for _, average in averages.values()), method="inclusive")
        limit = q3 + 1.5 * (q3 - q1)
        assert {row["seller_id"] for row in found if row["is_outlier"]} == {
            seller for seller, (_, average) in averages.items() if average > limit
        }


def test_the_history_has_an_outlier_and_a_seller_with_too_few(ask: Ask) -> None:
    found = _records(ask(deliveries(View(start=date(2018, 1, 1), end=date(2018, 2, 20)))))

    assert any(row["is_outlier"] for row in found)
    assert len(found) < len(_grouped(_sold(View()), "seller_id"))


@pytest.mark.parametrize("view", VIEWS)
def test_late_orders(ask: Ask, view: View) -> None:
    found = _records(ask(sellers.late(view)))

    if view.by_item:
        assert {row["order_id"] for row in found} == {o["order_id"] for o in _orders_of(_sold(view)) if o["is_late"]}
        mine = _grouped(_sold(view), "order_id")
        assert all(row["revenue"] == _revenue(mine[row["order_id"]]) for row in found)
    assert all(row["days_late"] >= 1 for row in found)
    assert [row["placed"] for row in found] == sorted((row["placed"] for row in found), reverse=True)


def test_a_seller_is_known_unknown_or_not_asked_for(ask: Ask) -> None:
    def said(seller: str) -> tuple[str, str]:
        return sellers.said_of(View(seller=seller), ask(known_seller(seller)))

    assert said("s0") == ("Sao Paulo, SP", "Seller s0")
    assert said("s9") == ("Campinas, SP", "Seller s9")  # its own row has not arrived
    assert said("idle") == ("Unknown City, RJ", "Seller idle")
    assert said("' or true --")[0] == "No such seller"
    assert sellers.said_of(View(), None)[0] == "All sellers"


Draw = tuple[Callable[[View], Query], Callable[..., Any]]
CHARTS: tuple[Draw, ...] = (
    (products.best_over_time, products.over_time),
    (products.categories, products.shares),
    (deliveries, scatter),
    (deliveries, histogram),
)


@pytest.mark.parametrize("view", [*VIEWS, View(locale="pt-BR", dark=True, seller="nobody")])
@pytest.mark.parametrize(("query", "draw"), CHARTS)
def test_charts_are_drawn_without_markup_of_names(ask: Ask, view: View, query: Any, draw: Any) -> None:
    rows = ask(query(view))
    if not rows.rows:
        return  # said in words
    rows = products.on_time_axis(view, rows) if draw is products.over_time else rows
    options, note = draw(view, rows, DARK if view.dark else LIGHT)

    words = _words(json.loads(json.dumps(options, allow_nan=False)))
    assert note
    assert "{b}" not in words
    assert "{a|" not in words


def _words(options: dict[str, Any]) -> str:
    """All that is drawn of the data: texts of their own, and names that the template {b} takes."""
    names = [dot[2] for series in options["series"] for dot in series["data"] if isinstance(dot, list)]
    return "".join([*(text for text in _values(options, "formatter") if text != "{b}"), *names])


def _values(tree: Any, name: str) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == name and isinstance(value, str):
                yield value
            yield from _values(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value, name)


def test_one_seller_alone_and_nulls_are_drawn() -> None:
    names = (
        "seller_id", "seller_city", "seller_state", "delivered_orders", "days_to_deliver", "is_outlier", "usual_to",
        "marketplace_days",
    )  # fmt: skip
    rows = Rows(names, (("{b}" * 9, None, None, 5, 0.0, False, 0.0, None),))

    for draw in (scatter, histogram):
        options, _ = draw(View(seller="{b}" * 9), rows, LIGHT)
        assert "{b}" not in _words(options)
    assert "(b)(b)" in _words(scatter(View(), rows, LIGHT)[0])


def test_the_rest_of_the_categories_is_one_bar_that_cannot_be_picked() -> None:
    rows = Rows(("category", "units", "revenue"), tuple((f"c{at:02}", at + 1, Decimal(100 - at)) for at in range(30)))
    bars = products.shares(View(category="c29"), rows, LIGHT)[0]["series"][0]["data"]

    assert [bar["category"] for bar in bars] == ["", "c29", *(f"c{at:02}" for at in range(10, -1, -1))]
    assert sum(bar["value"] for bar in bars) == sum(row[2] for row in rows.rows)
    assert [bar["category"] for bar in bars if bar["itemStyle"]["color"] == LIGHT.first] == ["c29"]


@pytest.mark.parametrize("query", [products.best, sellers.best])
def test_a_page_of_products_is_that_part_of_all(ask: Ask, query: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quicker query for a page finds what the one for all rows has there."""
    monkeypatch.setattr(products, "SIZE", 2)
    for view in VIEWS:
        whole = ask(query(view))
        for offset in range(0, len(whole.rows) + 2, 2):
            page = page_of_answer(ask(query(view, Wanted(offset=offset))), Wanted(offset=offset))
            assert page.columns == whole.columns and page.rows == whole.rows[offset : offset + 2]
            assert page.total == (len(whole.rows) if page.rows else 0)


def test_no_revenue_has_no_shares() -> None:
    rows = Rows(("category", "units", "revenue"), (("toys", 1, Decimal(0)),))

    options, _ = products.shares(View(), rows, LIGHT)

    assert options["series"][0]["data"][0]["label"]["formatter"] == "0.0%"


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        (products.best, products.columns()),
        (sellers.scores, sellers.score_columns()),
        (sellers.best, sellers.best_columns()),
        (sellers.late, sellers.late_columns()),
    ],
)
def test_tables_have_the_columns_of_their_queries(ask: Ask, query: Any, columns: tuple[Column, ...]) -> None:
    for view in VIEWS:
        rows = ask(query(view))
        assert rows.columns == tuple(column.name for column in columns)
        for row in rows.rows:
            assert all(written(value, column.kind, view.format) for value, column in zip(row, columns, strict=True))
    assert all(column.meaning for column in columns)
