"""What the forecast page asks and says, of rows of which one can reckon by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.pages import forecast, forecast_days, forecast_kept, forecast_order, forecast_worklist
from armazem.serve.dashboard.pages.forecast_chart import picture
from armazem.serve.dashboard.paging import Wanted, page_of_answer, page_query
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import LIGHT
from armazem.serve.dashboard.view import REASONS, View
from armazem.targets.duckdb.query import fetch
from armazem.targets.rows import Rows

HOSTILE = "<script>alert('{b}')</script>"
NEWEST = date(2018, 8, 31)
FIRST_DAY = date(2018, 8, 31)  # that is forecast: the newest may be going on still
DAY = 86_400

TABLES = """
create schema marts;
create schema features;
create table marts.fact_orders (
    order_id varchar, customer_id varchar, customer_unique_id varchar, customer_city varchar, customer_state varchar,
    order_status varchar, order_purchase_timestamp timestamp, order_approved_at timestamp,
    order_delivered_carrier_date timestamp, order_delivered_customer_date timestamp,
    order_estimated_delivery_date timestamp, is_valid_sale boolean, items bigint, gmv decimal(18, 2),
    freight decimal(18, 2), revenue decimal(18, 2), days_to_deliver decimal(18, 2), is_late boolean,
    main_payment_type varchar, review_score bigint
);
create table marts.fact_sales (
    order_id varchar, order_item_id bigint, product_id varchar, seller_id varchar, order_purchase_timestamp timestamp,
    order_status varchar, is_valid_sale boolean, price decimal(18, 2), freight_value decimal(18, 2),
    payment_value decimal(18, 2), customer_state varchar, seller_city varchar, seller_state varchar
);
create table marts.dim_products (
    product_id varchar, product_category_name varchar, product_category_name_english varchar
);
create table marts.fact_payments (
    order_id varchar, payment_sequential bigint, payment_type varchar, payment_installments bigint,
    payment_value decimal(18, 2)
);
create table features.feat_order_delivery (
    order_id varchar, stage varchar, scored_at timestamp, seller_id varchar, lane varchar, expected_s bigint,
    lower_s bigint, upper_s bigint, promised_s bigint, elapsed_s bigint, risk_permille bigint, late_permille bigint,
    lane_effect_s bigint, market_effect_s bigint, seller_effect_s bigint, promise_effect_s bigint, main_reason varchar,
    was_late boolean
);
create table features.feat_forecast (
    level varchar, customer_state varchar, product_category varchar, forecast_date date, horizon_days bigint,
    revenue_forecast decimal(18, 4), revenue_lower decimal(18, 4), revenue_upper decimal(18, 4),
    revenue_wape_pct decimal(18, 2), revenue_coverage_pct decimal(18, 2), units_forecast decimal(18, 2),
    units_lower decimal(18, 2), units_upper decimal(18, 2), units_wape_pct decimal(18, 2),
    units_coverage_pct decimal(18, 2), backtests bigint
);
"""


def _order(
    number: int, bought: datetime, promised: date, *, state: str = "SP", status: str = "shipped", seller: str = "s0",
    handed: datetime | None = None, delivered: datetime | None = None, product: str = "p0",
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    order = {
        "order_id": f"o{number:03}", "customer_city": HOSTILE, "customer_state": state, "order_status": status,
        "order_purchase_timestamp": bought, "order_delivered_carrier_date": handed,
        "order_delivered_customer_date": delivered, "order_estimated_delivery_date": promised,
        "is_valid_sale": status != "canceled", "items": 1, "gmv": Decimal("10.00"), "freight": Decimal("2.00"),
        "revenue": Decimal("12.00"),
    }  # fmt: skip
    item = {
        "order_id": order["order_id"], "order_item_id": 1, "product_id": product, "seller_id": seller,
        "order_purchase_timestamp": bought, "order_status": status, "is_valid_sale": order["is_valid_sale"],
        "price": Decimal("10.00"), "freight_value": Decimal("2.00"), "payment_value": Decimal("12.00"),
        "customer_state": state, "seller_state": "SP",
    }  # fmt: skip
    return order, item


def _prediction(order: dict[str, Any], stage: str, late: int | None, reason: str, **more: Any) -> dict[str, Any]:
    bought, promised = order["order_purchase_timestamp"], order["order_estimated_delivery_date"]
    effects = {f"{name}_effect_s": -DAY for name in ("lane", "market", "seller", "promise")}
    return {
        "order_id": order["order_id"], "stage": stage, "seller_id": "s0", "lane": "SP-RJ", "expected_s": 8 * DAY,
        "scored_at": datetime.combine(NEWEST + timedelta(days=1), datetime.min.time()) if stage == "today" else bought,
        "lower_s": 5 * DAY, "upper_s": 14 * DAY, "elapsed_s": 0, "risk_permille": late, "late_permille": late,
        "promised_s": int((datetime.combine(promised, datetime.min.time()) + timedelta(days=1) - bought)
                          .total_seconds()),
        "main_reason": reason, "was_late": None, **effects, **more,
    }  # fmt: skip


AT = datetime(2018, 8, 20, 12)
OPEN = [
    # number, promised, state, seller, handed over, probability, reason, its effect in days
    (1, NEWEST + timedelta(days=5), "SP", "s0", None, 300, "seller", {"seller_effect_s": int(2.1 * DAY)}),
    (2, NEWEST + timedelta(days=9), "RJ", "s1", AT, 700, "seller", {"seller_effect_s": 3 * DAY}),
    (3, NEWEST - timedelta(days=4), "SP", "s0", AT, 1000, "overdue", {"lane_effect_s": 2 * DAY}),
    (4, NEWEST - timedelta(days=9), "RJ", "s0", AT, 1000, "overdue", {}),
    (5, NEWEST, "SP", "s1", AT, 1000, "overdue", {"market_effect_s": DAY}),
    (6, NEWEST + timedelta(days=1), "SP", "s0", AT, 300, "lane", {"lane_effect_s": int(1.25 * DAY)}),
    (7, NEWEST + timedelta(days=3), "RJ", "s0", None, 120, "market", {"market_effect_s": DAY // 2}),
    (8, NEWEST + timedelta(days=3), "RJ", "s0", None, 90, "promise", {"promise_effect_s": 4 * DAY}),
    (9, NEWEST + timedelta(days=3), "RJ", "s0", None, None, "none", {}),
]
LATE_PER_TENTH = (0, 0, 1, 0, 2, 1, 3, 2, 5, 8)  # of ten orders each


def _shop() -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    made, said = [], []
    for number, promised, state, seller, handed, late, reason, effect in OPEN:
        order, item = _order(number, AT, promised, state=state, seller=seller, handed=handed)
        made.append((order, item))
        said += [_prediction(order, "today", late, reason, seller_id=seller, **effect),
                 _prediction(order, "purchase", late, "none" if reason == "overdue" else reason, **effect)]  # fmt: skip
    for number in range(100):  # delivered: a tenth of them each 20 thousandths more
        bought, is_late = datetime(2018, 6, 1, 12) + timedelta(hours=number), number % 10 < LATE_PER_TENTH[number // 10]
        promised = bought.date() + timedelta(days=20)
        delivered = bought + timedelta(days=30 if is_late else 10)
        order, item = _order(100 + number, bought, promised, status="delivered", delivered=delivered, product="p1")
        made.append((order, item))
        said.append(_prediction(order, "purchase", 20 * (number // 10), "none", was_late=is_late))
    # The promised day is to come: quick, and not counted; canceled: no sale.
    quick = _order(300, AT, NEWEST + timedelta(days=2), status="delivered", delivered=AT + timedelta(days=1))
    canceled = _order(301, AT, NEWEST - timedelta(days=2), status="canceled", delivered=AT + timedelta(days=1))
    for order, item in (quick, canceled):
        made.append((order, item))
        said.append(_prediction(order, "purchase", 500, "none", was_late=False))
    newest = _order(302, datetime.combine(NEWEST, datetime.min.time()), NEWEST + timedelta(days=20), status="delivered")
    return [order for order, _ in (*made, newest)], [item for _, item in (*made, newest)], said


def _ahead(level: str, day: int, state: str | None, category: str | None, revenue: int) -> dict[str, Any]:
    return {
        "level": level, "customer_state": state, "product_category": category, "horizon_days": day,
        "forecast_date": FIRST_DAY + timedelta(days=day - 1), "revenue_forecast": revenue,
        "revenue_lower": revenue - 5, "revenue_upper": revenue + 7, "revenue_wape_pct": 18,
        "revenue_coverage_pct": 82, "units_forecast": Decimal("2.25"), "units_lower": 1, "units_upper": 4,
        "units_wape_pct": 20, "units_coverage_pct": 81, "backtests": 12,
    }  # fmt: skip


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    orders, items, said = _shop()
    ahead = [
        _ahead(level, day, state, category, revenue)
        for day in range(1, 15)
        for level, state, category, revenue in (
            ("total", None, None, 100), ("state", "SP", None, 60), ("state", None, None, 40),
            ("category", None, "toys", 90), ("category", None, "no items", 10),
        )
    ]  # fmt: skip
    paid = [{"order_id": "o001", "payment_sequential": 1, "payment_type": "credit_card", "payment_installments": 3,
             "payment_value": Decimal("12.00")}]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        connection.execute("insert into marts.dim_products values ('p0', 'brinquedos', 'toys'), ('p1', 'x', 'other')")
        for table, rows in (
            ("marts.fact_orders", orders), ("marts.fact_sales", items), ("marts.fact_payments", paid),
            ("features.feat_order_delivery", said), ("features.feat_forecast", ahead),
        ):  # fmt: skip
            names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"insert into {table} ({names}) values ({marks})", [list(row.values()) for row in rows]
            )

        def answer(query: Query) -> Rows:
            return fetch(connection.cursor(), query.sql, query.parameters)

        yield answer


def _listed(ask: Ask, view: View, wanted: Wanted = Wanted()) -> list[dict[str, Any]]:  # noqa: B008
    query = page_query(forecast_worklist.worklist(view), forecast_worklist.by_risk(view), ["reason"], wanted)
    return [dict(row) for row in records(page_of_answer(ask(query), wanted))]


def _numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["order_id"][1:]) for row in rows]


def test_the_longest_overdue_come_first_and_then_the_most_probable(ask: Ask) -> None:
    rows = _listed(ask, View(start=date(2017, 1, 1), end=date(2017, 1, 2)))  # the dates do not count

    assert _numbers(rows) == [4, 3, 5, 2, 6, 1, 7, 8, 9]
    assert [row["days_left"] for row in rows] == [-9, -4, 0, 9, 1, 5, 3, 3, 3]
    assert [row["late_probability"] for row in rows] == [1, 1, 1, 0.7, 0.3, 0.3, 0.12, 0.09, None]
    assert {(row["expected"] - AT, row["earliest"] - AT, row["latest"] - AT) for row in rows} == {
        (timedelta(days=8), timedelta(days=5), timedelta(days=14))
    }
    assert len(rows[0]) == len(forecast_worklist.columns_of())  # a table takes them by their place


def test_reasons_are_said_in_words(ask: Ask) -> None:
    said = {int(row["order_id"][1:]): row["reason"] for row in _listed(ask, View())}

    assert said == {
        1: "the seller is slower than the average by 2.1 days",
        2: "the seller took 3.0 days longer than the average to hand it over",
        3: "overdue; from SP to RJ it takes 2.0 days longer than the average",
        4: "overdue; nothing makes it slower than the average",
        5: "overdue; the last 30 days add 1.0 days on this route",
        6: "from SP to RJ it takes 1.2 days longer than the average",
        7: "the last 30 days add 0.5 days on this route",
        8: "promised 4.0 days less than an average delivery takes",
        9: "nothing makes it slower than the average",
    }
    assert "2,1 days" in _listed(ask, View(locale="pt-BR", reason="seller"))[1]["reason"]


@pytest.mark.parametrize(
    ("view", "numbers"),
    [
        (View(state="RJ"), [4, 2, 7, 8, 9]),
        (View(seller="s1"), [5, 2]),
        (View(reason="overdue", state="SP"), [3, 5]),
        (View(reason="overdue"), [4, 3, 5]),
        (View(reason="seller"), [2, 1]),
        (View(reason="lane"), [3, 6]),
        (View(reason="market"), [5, 7]),
        (View(reason="none"), [4, 9]),
        (View(category="toys"), [4, 3, 5, 2, 6, 1, 7, 8, 9]),
        (View(category="other"), []),
    ],
)
def test_the_worklist_keeps_to_the_filters(ask: Ask, view: View, numbers: list[int]) -> None:
    assert _numbers(_listed(ask, view)) == numbers
    [counted] = records(ask(forecast_worklist.counted(view)))
    if not view.reason:
        assert counted["open"] == len(numbers)


def test_the_cards_of_open_orders(ask: Ask) -> None:
    figures = forecast.order_figures(View(reason="seller"), ask)  # the reason is of the list alone

    assert [figure.text for figure in figures] == ["9", "3", "2"]
    assert figures[1].note == "the longest for 9 days" and figures[2].note == "of 6 that are not overdue"
    assert [figure.text for figure in forecast.order_figures(View(seller="nobody"), ask)] == ["0", "0", "0"]
    assert len(figures) == len(forecast.order_cards())


def test_every_reason_has_a_name() -> None:
    assert tuple(forecast_worklist.NAMES) == REASONS


def test_what_was_said_and_what_happened_by_tenths(ask: Ask) -> None:
    rows = records(ask(forecast_kept.calibration("purchase")(View())))

    assert [(row["tenth"], row["orders"], row["late"]) for row in rows] == [
        # Orders 3, 4 and 5 are overdue and not delivered; the quick one and the canceled one are not counted.
        (at + 1, 10, late) for at, late in enumerate(LATE_PER_TENTH)
    ]  # fmt: skip
    assert [row["said"] for row in rows] == pytest.approx([at / 50 for at in range(10)])
    assert {row["not_delivered"] for row in rows} == {3}
    _, note = forecast_kept.tenths(View(), ask(forecast_kept.calibration("purchase")(View())), LIGHT)
    assert note == (
        "100 delivered orders: said 9.0%, late 22.0%. 3 more are overdue and not delivered; they are not in it. "
        "With so few orders chance moves each bar a lot."
    )
    assert not ask(forecast_kept.calibration("handover")(View())).rows
    assert not ask(forecast_kept.calibration("purchase")(View(end=date(2018, 5, 31)))).rows


def test_the_promise_is_compared_with_the_prediction(ask: Ask) -> None:
    june, *rest = records(ask(forecast_kept.kept(View())))

    assert not rest  # in August nothing is delivered whose day has passed
    assert (june["period"], june["orders"], june["late"], june["not_known"]) == (date(2018, 6, 1), 100, 22, 0)
    assert (june["late_share"], june["said"]) == (pytest.approx(0.22), pytest.approx(0.09))
    assert (june["expected_days"], june["taken_days"], june["promised_days"]) == (8, 10, pytest.approx(20.5))
    assert (june["promise_kept"], june["by_upper"], june["in_band"]) == pytest.approx((0.78, 0.78, 0.78))
    assert june["partial"] is False
    table = ask(forecast_kept.table(View()))
    assert table.columns == tuple(column.name for column in forecast_kept.kept_columns())


def test_the_days_before_the_forecast_are_on_the_axis_with_those_of_it(ask: Ask) -> None:
    rows = records(ask(forecast_days.course(View(start=date(2017, 1, 1), end=date(2017, 2, 1)))))

    before, ahead = ([row for row in rows if row["is_forecast"] is which] for which in (False, True))
    assert [row["day"] for row in before] == [FIRST_DAY - timedelta(days=at) for at in range(56, 0, -1)]
    # Nine open orders and the quick one; the canceled one is no sale.
    assert [(row["day"], row["units"], row["revenue"]) for row in before if row["units"]] == [(AT.date(), 10, 120)]
    assert [row["day"] for row in ahead] == [FIRST_DAY + timedelta(days=at) for at in range(14)]
    assert {(row["revenue"], row["revenue_lower"], row["revenue_upper"]) for row in ahead} == {(100, 95, 107)}


@pytest.mark.parametrize(
    ("view", "revenue"),
    [
        (View(state="SP"), 60), (View(category="toys"), 90), (View(state="SP", category="toys"), None),
        (View(seller="s0"), None), (View(state="XX"), None),
    ],
)  # fmt: skip
def test_there_is_a_forecast_of_a_state_or_a_category(ask: Ask, view: View, revenue: int | None) -> None:
    days = ask(forecast_days.days(view))
    assert {row["revenue_forecast"] for row in records(days)} == ({revenue} if revenue else set())
    assert days.columns == tuple(column.name for column in forecast_days.day_columns())
    figures = forecast.day_figures(view, ask)
    assert (figures[0].text == "–") == (revenue is None) and len(figures) == len(forecast.day_cards())
    assert bool(ask(forecast_days.course(view)).rows) == (revenue is not None)


def test_sums_of_states_and_categories(ask: Ask) -> None:
    states = {row["name"]: row for row in records(ask(forecast_days.by_state(View(state="RJ"))))}
    assert {name: (row["revenue"], row["revenue_before"]) for name, row in states.items()} == {
        "SP": (840, 60),  # orders 1, 3, 5 and 6, and the quick one
        "unknown": (560, 0),
    }
    assert states["SP"]["change"] == 13 and states["unknown"]["change"] is None
    rows = ask(forecast_days.by_category(View()))
    assert {row["name"]: row["revenue_before"] for row in records(rows)} == {"toys": 120, "no items": None}
    assert rows.columns == tuple(column.name for column in forecast_days.sum_columns("Category"))
    assert [forecast_days.filter_of(name) for name in ("SP", "unknown", "no items")] == ["SP", "", ""]


def test_the_chart_has_the_band_around_the_forecast(ask: Ask) -> None:
    options, note = picture("revenue")(View(), ask(forecast_days.course(View())), LIGHT)

    lower, band, sold, ahead = (series["data"] for series in options["series"])
    assert lower[:56] == band[:56] == [None] * 56 and set(lower[56:]) == {95} and set(band[56:]) == {12}
    assert None not in sold[:56] and sold[56:] == [None] * 14
    assert [datum["value"] for datum in ahead[56:]] == [100] * 14
    assert "80 % band R$\u202f95.00 to R$\u202f107.00" in ahead[-1]["tooltip"]["formatter"]
    assert note == (
        "The mean of the same weekday over four weeks. Made 12 times before, its sum was off by 18.0% of what was "
        "sold, and 82% of the days lay in the band."
    )


def test_an_order_is_shown_with_all_there_is_of_it(ask: Ask) -> None:
    view = View(order="o001")
    found = forecast_order.Found(
        records(ask(forecast_order.facts("o001")))[0],
        *(records(ask(query)) for query in (forecast_order.items("o001"), forecast_order.payments("o001"))),
        records(ask(forecast_order.predictions(view))),
    )
    said = forecast_order.written(found, Format())

    assert [row["stage"] for row in found.predictions] == ["purchase", "today"]
    for words in ("toys", "s0", "credit card", "R$\u202f12.00", "slower than the average by 2.1 days", "30.0%"):
        assert words in said
    assert "<script" not in said.lower() and "&lt;script" in said.lower()
    assert "No such order" in forecast_order.written(forecast_order.Found(None), Format())
