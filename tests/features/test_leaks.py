"""Nothing that is said of a moment knows what came after it; and a leak, once planted, is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from soak import Numbers
from warehouse.shop import Shop

from armazem.shop.history import generate

from .worlds import PUBLISHED, VECTORS, Sources, differences, moments

pytestmark = pytest.mark.xdist_group("leaks")

ORDERS = 2_500
# `arrived >= promise_passed` also where it never comes: see order_facts in the project's macros.
LATE = "promise_passed is not null and (arrived is null or arrived >= promise_passed)"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("leaks")
    generate(folder / "data", orders=ORDERS, seed=18)
    shop = Shop(folder / "home")
    shop.load(folder / "data")
    shop.build()
    return Sources.of(shop.home)


@pytest.fixture(scope="module")
def published(sources: Sources) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect(str(sources.file), read_only=True)) as connection:
        yield connection


def test_what_was_known_then_is_what_is_said_of_it_now(
    sources: Sources,
    published: duckdb.DuckDBPyConnection,
    numbers: Numbers,
    report: Callable[..., None],
) -> None:
    at = moments(sources, numbers.leak_moments)
    found = {}
    for moment in at:
        with closing(sources.world(moment)) as world:
            if different := differences(published, world, moment):
                found[moment] = different
            _vectors_are_of_that_moment(published, world)
    assert found == {}
    report("leaks", moments=len(at), orders=ORDERS, differences=0)


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        pytest.param(
            "feat_order_facts",
            [
                (
                    "cast(case when promise_passed < bought then bought else promise_passed end as date)",
                    "cast(bought as date)",
                )
            ],
            id="an order is known to be late when it is bought",
        ),
        pytest.param(
            "feat_order_facts",
            [(LATE, "arrived >= promise_passed")],
            id="an order that will never come is not late",
        ),
        pytest.param(
            "feat_seller_daily",
            [(") + 1 as timestamp)", ") as timestamp)")],
            id="what happens in the evening is known in the morning",
        ),
        pytest.param(
            "feat_order_delivery",
            [("between 1 and 4", "between 0 and 4")],
            id="errors of the month that is judged are known",
        ),
    ],
)
def test_a_leak_is_found(sources: Sources, model: str, changes: list[tuple[str, str]]) -> None:
    leaking = sources.leaking(model, *changes)
    end = datetime(2100, 1, 1)
    with closing(leaking.world(end)) as later:
        found = 0
        for moment in moments(sources, 3):
            with closing(leaking.world(moment)) as world:
                found += sum(differences(later, world, moment).values())
    assert found > 0


def test_the_models_run_on_cut_tables_as_a_build_runs_them(
    sources: Sources, published: duckdb.DuckDBPyConnection
) -> None:
    with closing(sources.world(datetime(2100, 1, 1))) as world:
        for name in PUBLISHED:
            query = f"select * from features.{name} order by all"
            assert world.execute(query).fetchall() == published.execute(query).fetchall(), name


@pytest.mark.slow
def test_a_build_of_files_as_they_were_says_the_same(
    sources: Sources, published: duckdb.DuckDBPyConnection, numbers: Numbers, tmp_path: Path
) -> None:
    for number, moment in enumerate(moments(sources, numbers.leak_builds)):
        _files_as_they_were(sources, moment, tmp_path / f"data-{number}")
        shop = Shop(tmp_path / f"home-{number}")
        shop.load(tmp_path / f"data-{number}")
        shop.build()
        with closing(duckdb.connect(str(Sources.of(shop.home).file), read_only=True)) as world:
            # Both know of all files by now, but not since when.
            assert _without_arrival(published, world, moment) == {}


def _vectors_are_of_that_moment(published: duckdb.DuckDBPyConnection, world: duckdb.DuckDBPyConnection) -> None:
    """Today's vectors of a world are those that the histories give for its `today`."""
    for name in VECTORS[:2]:
        [(today,)] = world.execute(f"select distinct feature_timestamp from features.{name}").fetchall()
        assert today is not None
        rows = world.execute(
            f"select entity_id, sold, late, sold_30d, late_90d from features.{name} order by 1"
        ).fetchall()
        history = f"features.{name}_daily"
        expected = world.execute(
            f"""
            select
                entity_id,
                max(sold),
                max(late),
                max(sold) - coalesce(max(sold) filter (feature_timestamp <= timestamp '{today}' - interval 30 day), 0),
                max(late) - coalesce(max(late) filter (feature_timestamp <= timestamp '{today}' - interval 90 day), 0)
            from {history} where feature_timestamp <= timestamp '{today}' group by 1 order by 1
            """
        ).fetchall()
        assert rows == expected


def _files_as_they_were(sources: Sources, at: datetime, folder: Path) -> None:
    """Write the shop's files as an extract of the moment `at` would have them."""
    folder.mkdir()
    data = sources.file.parents[2] / "data"
    for file in data.glob("*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    with closing(duckdb.connect()) as connection:
        orders = f"'{data}/olist_orders_dataset.csv'"
        connection.execute(
            f"""
            create table orders as select * replace (
                case when order_status = 'delivered' and order_delivered_customer_date >= '{at}' then 'shipped'
                    else order_status end as order_status,
                case when order_delivered_carrier_date < '{at}' then order_delivered_carrier_date end
                    as order_delivered_carrier_date,
                case when order_delivered_customer_date < '{at}' then order_delivered_customer_date end
                    as order_delivered_customer_date
            ) from read_csv({orders}, all_varchar = true) where order_purchase_timestamp < '{at}';
            copy orders to '{folder}/olist_orders_dataset.csv' (header);
            """
        )
        kept = "order_id in (select order_id from orders)"
        for table, condition in {
            "order_items": kept,
            "order_payments": kept,
            "order_reviews": f"{kept} and review_answer_timestamp < '{at}'",
            "customers": "customer_id in (select customer_id from orders)",
        }.items():
            name = f"olist_{table}_dataset.csv"
            rows = f"from read_csv('{data}/{name}', all_varchar = true, quote = '\"', escape = '\"')"
            connection.execute(f"copy ({rows} where {condition}) to '{folder}/{name}' (header)")


def _without_arrival(
    published: duckdb.DuckDBPyConnection, world: duckdb.DuckDBPyConnection, at: datetime
) -> dict[str, int]:
    found = {}
    midnight = f"timestamp '{at:%Y-%m-%d}'"
    for name, columns, condition in (
        ("feat_seller_daily", "created_timestamp", f"feature_timestamp <= {midnight}"),
        ("feat_lane_daily", "created_timestamp", f"feature_timestamp <= {midnight}"),
        ("feat_marketplace_daily", "created_timestamp", f"feature_timestamp <= {midnight}"),
        ("feat_order_facts", "recorded_at", f"known_on < date '{at:%Y-%m-%d}'"),
        ("feat_order_delivery", "was_late", f"stage != 'today' and scored_at < {midnight}"),
    ):
        query = f"select * exclude ({columns}) from features.{name} where {condition}"
        rows, expected = (set(connection.execute(query).fetchall()) for connection in (published, world))
        assert rows or name == "feat_order_delivery"
        if different := rows ^ expected:
            found[name] = len(different)
    return found
