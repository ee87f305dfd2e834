"""The world as it was known at a moment: tables of facts cut off there, and the models' own SQL run on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from armazem.home import Home
from armazem.targets.duckdb.versions import current_build, version_file

MODELS = (
    "feat_order_facts",
    "feat_seller_daily",
    "feat_lane_daily",
    "feat_marketplace_daily",
    "feat_seller",
    "feat_lane",
    "feat_customer",
    "int_delivery_scores",
    "feat_order_delivery",
)
PUBLISHED = tuple(name for name in MODELS if name.startswith("feat_"))
HISTORIES = ("feat_seller_daily", "feat_lane_daily", "feat_marketplace_daily")
VECTORS = ("feat_seller", "feat_lane", "feat_customer")

# What was known before a moment: later orders and reviews are not there, later stages have not been reached, which tell
# the status of an order. One that was canceled was so from the start, as no file tells when.
CUT = """
create schema marts; create schema staging; create schema intermediate; create schema features;
create view staging.stg_batch_orders as from known.staging.stg_batch_orders;
create view staging.stg_batch_order_reviews as from known.staging.stg_batch_order_reviews;
create view staging.stg_events as from known.staging.stg_events;
create table marts.fact_orders as
select * replace (
    case when order_status = 'delivered' and order_delivered_customer_date >= {at} then 'shipped' else order_status end
        as order_status,
    case when order_delivered_carrier_date < {at} then order_delivered_carrier_date end as order_delivered_carrier_date,
    case when order_delivered_customer_date < {at} then order_delivered_customer_date end
        as order_delivered_customer_date
)
from known.marts.fact_orders where order_purchase_timestamp < {at};
create table marts.fact_sales as
from known.marts.fact_sales where order_id in (select order_id from marts.fact_orders);
create table marts.fact_reviews as
from known.marts.fact_reviews
where review_answer_timestamp < {at} and order_id in (select order_id from marts.fact_orders);
"""


@dataclass(frozen=True, slots=True)
class Sources:
    """A published version, and the SQL of its feature models as its build ran it. `leaks`: text to be put for text."""

    file: Path
    compiled: Mapping[str, str]

    @classmethod
    def of(cls, home: Home) -> Sources:
        build = current_build(home)
        assert build is not None
        folder = home.root / "dbt" / "compiled" / "armazem" / "models"
        sql = {name: _unnamed((folder / _schema(name) / f"{name}.sql").read_text(encoding="utf-8")) for name in MODELS}
        return cls(version_file(home, build), sql)

    def leaking(self, model: str, *changes: tuple[str, str]) -> Sources:
        """The same with the SQL of one model changed."""
        sql = self.compiled[model]
        for old, new in changes:
            assert old in sql, f"{model} does not say {old!r}"
            sql = sql.replace(old, new)
        return Sources(self.file, {**self.compiled, model: sql})

    def world(self, at: datetime) -> duckdb.DuckDBPyConnection:
        """Return the models' tables, in schema `features`, of what was known before `at`, business time."""
        connection = duckdb.connect(config={"threads": 2})
        connection.execute(f"attach '{self.file}' as known (read_only)")
        connection.execute(CUT.format(at=f"timestamp '{at}'"))
        for name, sql in self.compiled.items():
            connection.execute(f"create table {_schema(name)}.{name} as {sql}")
        return connection


def _schema(model: str) -> str:
    return "features" if model in PUBLISHED else "intermediate"


def _unnamed(sql: str) -> str:
    """The SQL without the name of the file that was built."""
    return re.sub(r'"[^".]+"\."(\w+)"\.', r'"\1".', sql)


def differences(later: duckdb.DuckDBPyConnection, world: duckdb.DuckDBPyConnection, at: datetime) -> dict[str, int]:
    """Count the rows, per model, that `later` gives otherwise than the world of `at` of what was known by then.

    A history is compared up to the midnight that begins the day of `at`, for what comes after it is not used at `at`;
    predictions up to that midnight as well, without what became of them.
    """
    midnight = f"timestamp '{at:%Y-%m-%d}'"
    queries = {name: f"select * from features.{name} where feature_timestamp <= {midnight}" for name in HISTORIES}
    queries["feat_order_facts"] = f"select * from features.feat_order_facts where known_on < date '{at:%Y-%m-%d}'"
    queries["feat_order_delivery"] = (
        "select * exclude (was_late) from features.feat_order_delivery "
        f"where stage != 'today' and scored_at < {midnight}"
    )
    found = {}
    for name, query in queries.items():
        rows, expected = (connection.execute(query).fetchall() for connection in (later, world))
        found[name] = len(set(rows) ^ set(expected)) + abs(len(rows) - len(expected))
    return {name: count for name, count in found.items() if count}


def moments(sources: Sources, count: int) -> list[datetime]:
    """Return moments at which something has just happened or is about to: spread over the history, none random."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{sources.file}' as known (read_only)")
        happened = connection.execute(
            """
            select moment from (
                select order_purchase_timestamp as moment from known.marts.fact_orders
                union all select order_delivered_customer_date from known.marts.fact_orders
                union all select cast(cast(order_estimated_delivery_date as date) + 1 as timestamp)
                from known.marts.fact_orders
                where order_delivered_customer_date > order_estimated_delivery_date
            )
            where moment < (select max(order_purchase_timestamp) from known.marts.fact_orders)
            order by hash(moment, 7)
            """
        ).fetchmany(count)
    return [moment + timedelta(microseconds=number % 2) for number, (moment,) in enumerate(happened)]
