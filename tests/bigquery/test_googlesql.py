"""Google's analyser, and what it does not see: each with statements that BigQuery takes and refuses."""

from __future__ import annotations

import pytest
from google.cloud.bigquery import SchemaField

from .googlesql import Analyser, Refused, dialect_faults

pytestmark = pytest.mark.xdist_group("bigquery")


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    orders = [
        SchemaField("order_id", "STRING"),
        SchemaField("revenue", "NUMERIC"),
        SchemaField("bought_at", "DATETIME"),
        SchemaField("items", "RECORD", mode="REPEATED", fields=[SchemaField("price", "NUMERIC")]),
    ]
    return Analyser("my-project", {"marts.orders": orders})


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("select order_id, sum(revenue) as r from `my-project`.marts.orders group by 1 having r > 1", 1),
        ("select max_by(order_id, revenue), safe_divide(1, 2) from marts.orders where bought_at >= ?", 1),
        ("select 1 from marts.orders where order_id in unnest(@ids) qualify row_number() over () = 1", 1),
        ("select price from marts.orders, unnest(items)", 1),
        ("update `my-project.marts.orders` set revenue = 1 where order_id = @id", 1),
        (
            "create table marts.x partition by date(bought_at) as select * from marts.orders; select 1;\n-- x",
            2,
        ),
        ("create or replace view `my-project`.marts.v as select cast(1 as bigint) as n", 1),
    ],
)
def test_what_bigquery_takes(analyser: Analyser, sql: str, statements: int) -> None:
    assert analyser.check(sql) == statements
    assert dialect_faults(sql) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        # The name of a subquery is its row there: the fault that the emulator and sqlglot let pass.
        ("with n as (select count(*) as n from marts.orders) select n - 1 from n", "No matching signature"),
        ("select nothing from marts.orders", "nothing"),
        ("select * from marts.nowhere", "nowhere"),
        ("select order_id + 1 from marts.orders", "No matching signature"),
        ("select order_id, sum(revenue) from marts.orders", "grouped nor aggregated"),
        ("select quantile_cont(revenue, 0.5) from marts.orders", "quantile_cont"),
        ("select list(order_id) from marts.orders", "list"),
        ("select 1; select order_id::int from marts.orders", "Syntax error"),
    ],
)
def test_what_bigquery_refuses(analyser: Analyser, sql: str, said: str) -> None:
    with pytest.raises(Refused, match=f"(?i){said}"):
        analyser.check(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(revenue as numeric(18, 2)) from marts.orders",
        "select safe_cast(order_id as string(10)) from marts.orders",
        "select 1; select cast([revenue] as array<numeric(18, 2)>) from marts.orders",
        "select percentile_cont(revenue, 0.5) from marts.orders",
        "select percentile_disc(revenue, 0.5 ignore nulls) from marts.orders",
    ],
)
def test_what_the_analyser_lets_pass(sql: str) -> None:
    assert len(dialect_faults(sql)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(revenue as numeric), cast([1] as array<int64>), cast(null as struct<a int64>) from marts.orders",
        "select percentile_cont(revenue, 0.5) over (partition by order_id) from marts.orders",
        "select percentile_disc(revenue, 0.5 ignore nulls) over () from marts.orders",
        "create table marts.x (a numeric(18, 2))",
    ],
)
def test_what_is_no_fault(sql: str) -> None:
    assert dialect_faults(sql) == []
