"""What the dashboard asks without a filter is what the KPI tables have: a measure has one meaning."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warehouse.shop import Shop

from armazem.home import Home
from armazem.serve.dashboard.pages import (
    customers,
    forecast_days,
    forecast_kept,
    forecast_worklist,
    overview,
    products,
    sellers,
    sellers_delivery,
)
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View
from armazem.shop.history import generate
from armazem.targets.duckdb.query import fetch, open_published

from .small_data import cut

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("queries and kpis")]

ALL = View()
Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kpis") / "in"
    generate(folder, orders=1500, seed=3)
    return folder


def built(home: Path, files: Path) -> Home:
    shop = Shop(home)
    shop.load(files)
    shop.build()
    return shop.home


@pytest.fixture(scope="module")
def published(files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(built(files.parent / "home", files), live=False) as connection:
        yield connection


@pytest.fixture(scope="module")
def of_one_state(files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    cut(files, files.parent / "sp", state="SP", keep=lambda day: True)
    with open_published(built(files.parent / "home of sp", files.parent / "sp"), live=False) as connection:
        yield connection


def asked(connection: duckdb.DuckDBPyConnection, query: Query, *columns: str) -> list[Row]:
    """These columns of the answer, sorted."""
    rows = fetch(connection, query.sql, query.parameters)
    places = [rows.columns.index(column) for column in columns]
    return sorted((tuple(row[place] for place in places) for row in rows.rows), key=str)


def kpi(connection: duckdb.DuckDBPyConnection, select: str) -> list[Row]:
    rows = connection.execute(select).fetchall()
    assert rows
    return sorted(rows, key=str)


def of_periods(query: Query) -> Query:
    """Those of a query in parts: it also has the sum of all."""
    return Query(f"select * from ({query.sql}) where part = 'period'", query.parameters)


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_the_trend(published: duckdb.DuckDBPyConnection, grain: str) -> None:
    course = of_periods(overview.course(View(grain=grain)))
    assert asked(published, course, "period", "orders", "revenue") == kpi(
        published,
        f"select period_start, orders, revenue from kpis.agg_sales_trend where grain = '{grain}' and orders > 0",
    )
    sold = of_periods(products.course(View(grain=grain)))
    assert asked(published, sold, "period", "units", "gmv") == kpi(
        published, f"select period_start, units, gmv from kpis.agg_sales_trend where grain = '{grain}' and units > 0"
    )


def test_the_states(published: duckdb.DuckDBPyConnection) -> None:
    assert asked(published, overview.states(ALL), "state", "orders", "revenue") == kpi(
        published,
        "select customer_state, orders, revenue from kpis.agg_avg_order_value_city_state where level = 'state'",
    )


def test_the_products(published: duckdb.DuckDBPyConnection) -> None:
    columns = ("rank", "product_id", "category", "units", "orders", "gmv", "revenue")
    best = [row for row in asked(published, products.best(ALL), *columns) if row[0] <= 100]
    assert best == kpi(
        published,
        "select units_rank, product_id, product_category, units, orders, gmv, revenue "
        "from kpis.agg_top_selling_products where grain = 'all' and units_rank <= 100",
    )


def test_the_sellers(published: duckdb.DuckDBPyConnection) -> None:
    columns = ("rank", "seller_id", "seller_city", "seller_state", "orders", "units", "revenue")
    assert asked(published, sellers.scores(ALL), *columns) == kpi(
        published,
        "select revenue_rank, seller_id, seller_city, seller_state, orders, units, revenue "
        "from kpis.agg_sales_by_seller",
    )


def test_the_deliveries(published: duckdb.DuckDBPyConnection) -> None:
    columns = ("seller_id", "delivered_orders", "is_outlier", "days_to_deliver", "marketplace_days")
    found = asked(published, sellers_delivery.deliveries(ALL), *columns)
    assert [(*row[:3], cents(row[3]), cents(row[4])) for row in found] == kpi(
        published,
        "select seller_id, delivered_orders, is_outlier, avg_days_to_deliver, marketplace_avg_days "
        f"from kpis.agg_avg_delivery_time_seller where delivered_orders >= {sellers_delivery.FEWEST}",
    )
    late = asked(published, sellers.scores(ALL), "seller_id", "late_rate")
    rates = dict(kpi(published, "select seller_id, late_rate_pct from kpis.agg_avg_delivery_time_seller"))
    assert {seller: cents(100 * rate) for seller, rate in late if rate is not None} == rates


def cents(value: float) -> Decimal:
    """Rounded as the KPI tables are: 1 of 32 orders is 3.13 %."""
    return Decimal(str(round(value, 9))).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("view", [ALL, View(state="SP")], ids=["table", "computed"])
def test_the_customers(of_one_state: duckdb.DuckDBPyConnection, view: View) -> None:
    """With a filter of other things than dates they are computed; here that is one that all orders pass."""
    growth = ("month", "new_customers", "returning_customers", "cumulative_customers")
    assert asked(of_one_state, customers.growth(view), *growth) == kpi(
        of_one_state, f"select {', '.join(growth)} from kpis.agg_monthly_growth"
    )
    cohorts = ("cohort_month", "months_since_first", "cohort_size", "retained_customers", "retention_rate_pct")
    assert asked(of_one_state, customers.cohorts(view), *cohorts) == kpi(
        of_one_state, f"select {', '.join(cohorts)} from kpis.agg_retained_customers_over_month"
    )


def test_how_often_they_come_back(published: duckdb.DuckDBPyConnection) -> None:
    found = asked(published, customers.frequency(ALL), "times", "customers")
    [(people, again)] = kpi(
        published,
        "select count(*), count(*) filter (orders > 1) from (select customer_unique_id, count(*) as orders "
        "from marts.fact_orders where is_valid_sale group by all)",
    )
    assert (sum(row[1] for row in found), sum(row[1] for row in found if row[0] > 1)) == (people, again)


def test_the_days_beside_the_forecast(published: duckdb.DuckDBPyConnection) -> None:
    course = forecast_days.course(ALL)
    sold = Query(f"select * from ({course.sql}) where not is_forecast and revenue > 0", course.parameters)
    first = "(select min(forecast_date) from features.feat_forecast)"
    found = asked(published, sold, "day", "units", "revenue")
    assert [(day, units, cents(revenue)) for day, units, revenue in found] == kpi(
        published,
        "select period_start, cast(units as double), revenue from kpis.agg_sales_trend where grain = 'day' "
        f"and revenue > 0 and period_start < {first} and period_start >= {first} - 56",
    )
    for query in (forecast_days.by_state(ALL), forecast_days.by_category(ALL)):
        whole = kpi(published, "select sum(revenue_forecast) from features.feat_forecast where level = 'total'")
        assert [(sum(row[0] for row in asked(published, query, "revenue")),)] == whole


def test_the_deliveries_of_the_promise_are_those_of_the_marts(published: duckdb.DuckDBPyConnection) -> None:
    due = "cast(order_estimated_delivery_date as date) <= (select cast(max(order_purchase_timestamp) as date) from m)"
    assert asked(published, forecast_kept.kept(ALL), "period", "orders", "late") == kpi(
        published,
        "with m as (select * from marts.fact_orders), predicted as (select order_id from features.feat_order_delivery "
        "where stage = 'purchase' and late_permille is not null) "
        "select cast(date_trunc('month', order_purchase_timestamp) as date), count(*), count(*) filter (is_late) "
        f"from m semi join predicted using (order_id) where is_valid_sale and is_late is not null and {due} group by 1",
    )


def test_the_worklist_has_every_open_order(published: duckdb.DuckDBPyConnection) -> None:
    assert asked(published, forecast_worklist.worklist(ALL), "order_id") == kpi(
        published,
        "select order_id from marts.fact_orders where is_valid_sale and order_status != 'delivered' "
        "and order_delivered_customer_date is null",
    )
