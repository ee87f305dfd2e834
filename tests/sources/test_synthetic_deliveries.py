"""Lateness of the synthetic data set: what lasts and what passes, by seller, by lane and by month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from armazem.shop.history import LAST_DAY, generate
from armazem.shop.history.effects import Effects, Spells, draw_effects
from armazem.shop.history.seasons import DAY, FULL_UNTIL, Calendar, black_friday

REAL_ORDERS = 99_441
MOVED = date(2026, 11, 28)
EPOCH = date(1970, 1, 1)

DELIVERIES = """
    create table deliveries as
    with sold as (select order_id, min_by(seller_id, order_item_id) as seller_id from order_items group by order_id)
    select
        seller_id,
        seller_state,
        customer_state,
        order_purchase_timestamp as bought,
        order_delivered_carrier_date as dispatched,
        epoch(order_delivered_carrier_date - order_approved_at) / 86400 as handling,
        epoch(order_delivered_customer_date - order_delivered_carrier_date) / 86400 as transit,
        epoch(order_delivered_customer_date - order_purchase_timestamp) / 86400 as days,
        (order_delivered_customer_date::date > order_estimated_delivery_date::date)::int as late
    from orders join sold using (order_id) join sellers using (seller_id) join customers using (customer_id)
    where order_status = 'delivered' and order_delivered_customer_date is not null
"""


def deliveries(folder: Path, orders: int, seed: int = 42, until: date = LAST_DAY) -> duckdb.DuckDBPyConnection:
    """A table of the delivered orders of a history, times in days."""
    generate(folder, orders=orders, seed=seed, until=until)
    warehouse = duckdb.connect()
    for table in ("orders", "order_items", "sellers", "customers"):
        file = folder / f"olist_{table}_dataset.csv"
        warehouse.execute(f"create table {table} as select * from read_csv(?, header = true)", [str(file)])
    warehouse.execute(DELIVERIES)
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with deliveries(tmp_path_factory.mktemp("real_size"), REAL_ORDERS) as connection:
        yield connection


def numbers(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, row)) for row in warehouse.sql(query).fetchall()]


def rank_correlation(pairs: Sequence[tuple[float, ...]]) -> float:
    first, second = np.argsort(np.argsort(np.array(pairs), axis=0), axis=0).T
    return float(np.asarray(np.corrcoef(first, second))[0, 1])


# --- months ---


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_totals_are_about_the_real_ones_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    with deliveries(tmp_path, 20_000, seed) as warehouse:
        [(late, days)] = numbers(warehouse, "select avg(late), avg(days) from deliveries")
    assert 0.065 < late < 0.095
    assert 11.5 < days < 13.5


def late_by_month(warehouse: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """The share of each whole month with 500 deliveries."""
    return dict(
        warehouse.sql(
            "select strftime(bought, '%Y-%m'), avg(late) from deliveries group by 1 having count(*) >= 500 order by 1"
        ).fetchall()
    )


def test_months_are_as_late_as_the_real_ones(warehouse: duckdb.DuckDBPyConnection) -> None:
    late = late_by_month(warehouse)
    assert 0.005 < min(late.values()) < 0.025 and late["2018-06"] == min(late.values())
    assert 0.13 < max(late.values()) < 0.22 and late["2018-03"] == max(late.values())
    assert min(late["2017-11"], late["2018-02"], late["2018-08"]) > 2 * max(late["2017-07"], late["2018-07"])


def test_a_moved_history_keeps_its_good_and_bad_months(tmp_path: Path) -> None:
    """They are as many days before its end."""
    with deliveries(tmp_path, 50_000, until=MOVED) as warehouse:
        moved = f"date_trunc('month', bought::date - {(MOVED - FULL_UNTIL).days})"
        late = f"select avg(late) from deliveries where {moved} = '{{}}'"
        [(good,)], [(bad,)] = (
            numbers(warehouse, late.format("2018-06-01")),
            numbers(warehouse, late.format("2018-03-01")),
        )
    assert good < 0.025 and bad > 0.13


@pytest.mark.parametrize("until", [LAST_DAY, MOVED])
def test_black_friday_slows_the_marketplace_in_its_own_week(until: date) -> None:
    calendar = Calendar(until)
    effects = draw_effects(1, calendar, seed=42)
    friday = (black_friday(until.year - 1) - EPOCH).days
    before, after, later = effects.level(np.array([friday - 1, friday, friday + 30]) * DAY)
    assert after > 1.5 * before and after > 1.3 * later


# --- sellers and lanes ---


def test_a_fast_seller_stays_fast(warehouse: duckdb.DuckDBPyConnection) -> None:
    halves = numbers(
        warehouse,
        "select avg(handling) filter (bought < '2018-01-01'), avg(handling) filter (bought >= '2018-01-01')"
        " from deliveries where handling > 0 group by seller_id"
        " having count(*) filter (bought < '2018-01-01') >= 30 and count(*) filter (bought >= '2018-01-01') >= 30",
    )
    assert len(halves) > 100
    assert rank_correlation(halves) > 0.6


def test_a_fast_lane_stays_fast(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The way there and the way back are equally far: what one takes longer is no matter of distance."""
    ratios = numbers(
        warehouse,
        """with lanes as (
            select seller_state, customer_state, year(dispatched) = 2018 as second, avg(transit) as transit
            from deliveries group by all having count(*) >= 25
        ), pairs as (
            select seller_state, customer_state, second, there.transit / back.transit as ratio
            from lanes as there join (
                select customer_state as seller_state, seller_state as customer_state, second, transit from lanes
            ) as back using (seller_state, customer_state, second)
            where seller_state < customer_state
        )
        select any_value(ratio) filter (not second), any_value(ratio) filter (second)
        from pairs group by seller_state, customer_state having count(*) = 2""",
    )
    assert len(ratios) > 10
    assert rank_correlation(ratios) > 0.5


def test_a_state_is_hard_to_reach_for_some_weeks_only(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Of the larger states, against what it takes the other ones in that week."""
    weeks = numbers(
        warehouse,
        """with weeks as (
            select customer_state, date_trunc('week', dispatched) as week, avg(transit) as transit
            from deliveries where dispatched between '2017-05-01' and '2018-08-20' and customer_state <> 'SP'
            group by all having count(*) >= 15
        ), against as (
            select *, transit / median(transit) over (partition by week) as ratio from weeks
        ), usual as (
            select customer_state, week, ratio / median(ratio) over (partition by customer_state) as ratio from against
        ), runs as (
            select customer_state, least(ratio, lag(ratio) over (partition by customer_state order by week)) as ratio
            from usual
        )
        select max(ratio), median(ratio) from runs group by customer_state having count(*) > 40""",
    )
    assert sum(worst > 1.25 for worst, _ in weeks) >= 4
    assert all(0.9 < usual < 1.1 for _, usual in weeks)


def test_a_spell_passes() -> None:
    spells = Spells(np.array([[10, 0], [12, 0]]), np.array([[13, 0], [20, 0]]), np.array([[2.0, 9.0], [1.5, 9.0]]))
    days = np.arange(9, 22)
    assert list(spells.at(np.zeros_like(days), days)) == [1, 2, 2, 3, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1, 1]
    assert set(spells.at(np.ones_like(days), days)) == {1}


def test_a_seller_is_overrun_for_some_weeks_only() -> None:
    effects = draw_effects(300, Calendar(), seed=42)
    days = np.arange(effects.market.size)
    for seller in range(300):
        handling = effects.handling(np.full(days.size, seller), (effects.first + days) * DAY)
        passing = handling / (effects.sellers[seller] * np.sqrt(effects.market))
        assert 1 <= np.count_nonzero(passing > 1.4) <= 2 * 42
        assert np.median(passing) == pytest.approx(1)


# --- the same each time ---


def values(effects: Effects) -> list[np.ndarray]:
    spells = [getattr(s, f.name) for s in (effects.overrun, effects.blocked) for f in fields(Spells)]
    return [effects.sellers, effects.lanes, effects.market, *spells]


def same(a: Effects, b: Effects) -> list[bool]:
    return [np.array_equal(x, y) for x, y in zip(values(a), values(b), strict=True)]


def test_effects_are_those_of_the_seed() -> None:
    effects = draw_effects(50, Calendar(), seed=7)
    assert all(same(effects, draw_effects(50, Calendar(), seed=7)))
    assert same(effects, draw_effects(50, Calendar(), seed=8)).count(True) == 1  # the marketplace's are Olist's


def test_a_seller_is_the_same_among_more_sellers_and_in_a_moved_history() -> None:
    few, many = draw_effects(50, Calendar(), seed=7), draw_effects(500, Calendar(MOVED), seed=7)
    seller, moment = np.arange(50), np.full(50, 400 * DAY)
    of_few = few.handling(seller, few.first * DAY + moment) / np.sqrt(few.market[400])
    of_many = many.handling(seller, many.first * DAY + moment) / np.sqrt(many.market[400])
    assert of_few == pytest.approx(of_many)
    assert np.array_equal(few.lanes, many.lanes)


def test_chunks_do_not_change_sellers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is bought depends on the chunk; how fast a seller is does not."""
    pace = "select seller_id, avg(handling) from deliveries where handling > 0 group by 1 having count(*) >= 20"
    with deliveries(tmp_path / "whole", 20_000) as warehouse:
        whole = dict(warehouse.sql(pace).fetchall())
    monkeypatch.setattr("armazem.shop.history.sizes.CHUNK_ORDERS", 3_000)
    with deliveries(tmp_path / "chunks", 20_000) as warehouse:
        chunks = dict(warehouse.sql(pace).fetchall())
    both = [(whole[seller], chunks[seller]) for seller in sorted(whole.keys() & chunks.keys())]
    assert len(both) > 50
    assert rank_correlation(both) > 0.6
