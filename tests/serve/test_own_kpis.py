"""What follows for the API and the page of an own model from the columns that it has, where it does not say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args

import duckdb
import pytest

from armazem.kpis.catalogue import Kind, Kpi, kind_of
from armazem.kpis.filters import Filters, filters_of
from armazem.kpis.own import own_kpi, own_kpis
from armazem.kpis.query import count_query, kpi_query
from armazem.serve.dashboard.pages import own, own_charts
from armazem.serve.dashboard.theme import LIGHT
from armazem.serve.dashboard.view import View
from armazem.serve.http.answers import to_json
from armazem.serve.http.kpi_answers import _row_type
from armazem.targets.rows import Rows

MONTHS = {"month": "date", "state": "string", "orders": "integer", "revenue": "decimal"}


def kpi_with(types: Mapping[str, str], **meta: Any) -> Kpi:
    return own_kpi("agg_my_table", "Mine.", types, {}, {"kpi": meta})


def test_what_a_model_does_not_say() -> None:
    kpi = kpi_with(MONTHS)
    assert (kpi.title, kpi.order_by) == ("My table", ("month", "state", "orders", "revenue"))
    assert kpi.filters == {"from": "month", "to": "month", "state": "state"}
    assert (kpi.chart, kpi.x, kpi.y) == ("line", "month", ("orders",))


def test_what_it_says() -> None:
    kpi = kpi_with(
        MONTHS, title="Yours", order_by=["-REVENUE"], filters={"from": "Month"}, x="state", y=["Revenue", "orders"]
    )
    assert (kpi.title, kpi.order_by[:2], kpi.filters) == ("Yours", ("-revenue", "month"), {"from": "month"})
    assert (kpi.chart, kpi.x, kpi.y) == ("bar", "state", ("revenue", "orders"))
    assert [entry.name for entry in filters_of(kpi)] == ["from", "order", "limit", "offset"]
    assert kpi_with(MONTHS, filters={}).filters == {}


@pytest.mark.parametrize(
    ("types", "chart", "x", "y"),
    [
        ({"placed": "timestamp", "n": "number"}, "line", "placed", ("n",)),
        ({"n": "integer", "name": "string"}, "bar", "name", ("n",)),
        ({"weekday": "integer", "n": "integer", "m": "integer"}, "bar", "weekday", ("n",)),
        ({"name": "string", "day": "date", "n": "decimal"}, "bar", "name", ("n",)),
        ({"name": "string", "is_late": "boolean"}, "none", "name", ()),
        ({"n": "integer"}, "none", "n", ()),
    ],
)
def test_which_chart(types: dict[str, str], chart: str, x: str, y: tuple[str, ...]) -> None:
    kpi = kpi_with(types)
    assert (kpi.chart, kpi.x, kpi.y) == (chart, x, y)
    assert kpi_with(types, chart="none").chart == "none"


@pytest.fixture
def version() -> duckdb.DuckDBPyConnection:
    """A version with one own table of every type, its columns with names that SQL and Python keep for themselves."""
    connection = duckdb.connect()
    connection.execute("create schema own; create schema meta")
    connection.execute(
        """
        create table own.odd as select
            cast(i % 3 as varchar) as "group", date '2026-01-01' + i::integer as "order",
            timestamp '2026-01-01 10:30' as rank, sum(i) over () as total, i as "class",
            cast(i as decimal(18, 2)) as "Total R$", 'nan'::double as y0,
            i > 1 as same, [i] as parts, {'a': i} as pair, uuid() as "x""y"
        from range(4) t(i)
        """
    )
    connection.execute("create table meta.models (name text, layer text, description text, columns text, meta text, "
                       "is_published boolean)")  # fmt: skip
    meta = json.dumps({"kpi": {"x": "order", "y": ["class", "y0", "Total R$"]}})
    connection.execute("insert into meta.models values ('odd', 'own', 'Odd.', '{}', ?, true)", [meta])
    return connection


def asked(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = ()) -> Rows:
    answer = connection.execute(sql, parameters)
    return Rows(tuple(column[0] for column in answer.description), tuple(answer.fetchall()))


def test_any_name_and_any_type(version: duckdb.DuckDBPyConnection) -> None:
    [kpi] = own_kpis(lambda sql: asked(version, sql))
    assert list(kpi.types.values()) == [
        "string", "date", "timestamp", "integer", "integer", "decimal", "number", "boolean", "other", "other", "string",
    ]  # fmt: skip
    assert set(kpi.types.values()) <= set(get_args(Kind))
    filters = Filters(from_=date(2026, 1, 2), order="-class", limit=2)
    assert [row[4] for row in asked(version, *kpi_query(kpi, filters)).rows] == [3, 2]
    assert asked(version, *count_query(kpi, filters)).rows == ((3,),)
    table = asked(version, f"select * from ({own.rows(kpi).sql}) order by {own_charts.order(kpi).sql}")
    assert [column.name for column in own.columns(kpi)] == list(table.columns)
    assert table.rows[0][8:10] == ("[0]", "{'a': 0}")
    points = own_charts.points(kpi, asked(version, own_charts.chart_query(kpi).sql))
    assert (points.columns, points.total, points.repeated) == (("order", "class", "y0", "Total R$"), 4, False)
    options, note = own_charts.draw(kpi, View(), points, LIGHT)
    json.dumps(options, allow_nan=False)
    assert [datum["value"] for datum in options["series"][0]["data"]][:2] == [["2026-01-01", 0.0], ["2026-01-02", 1.0]]
    assert [datum["value"][1] for datum in options["series"][1]["data"]] == [None] * 4
    assert note == "" and "Class 1" in options["series"][0]["data"][1]["tooltip"]["formatter"]


def test_a_version_without_any_is_not_asked_what_it_consists_of() -> None:
    assert own_kpis(lambda sql: asked(duckdb.connect(), sql)) == ()


def test_bars_are_those_with_most_in_the_order_of_the_table(version: duckdb.DuckDBPyConnection) -> None:
    kpi = own_kpi("wide", "", {"name": "string", "n": "integer"}, {}, {})
    version.execute("create table own.wide as select printf('s%02d', i) as name, i as n from range(30) t(i)")
    points = own_charts.points(kpi, asked(version, own_charts.chart_query(kpi).sql))
    assert [row[0] for row in points.rows] == [f"s{number:02}" for number in range(10, 30)]
    options, note = own_charts.draw(kpi, View(locale="pt-BR"), points, LIGHT)
    assert options["yAxis"]["data"][-1] == "s10"  # on top
    assert note == "20 of 30: those with the most n."


def test_no_chart_where_an_x_comes_twice(version: duckdb.DuckDBPyConnection) -> None:
    kpi = own_kpi("odd", "", {"group": "string", "class": "integer"}, {}, {})
    points = own_charts.points(kpi, asked(version, own_charts.chart_query(kpi).sql))
    assert points.repeated
    assert not own_charts.points(kpi, Rows((), ())).rows


def test_words_of_a_point() -> None:
    kpi = own_kpi("t", "", {"at": "timestamp", "revenue": "decimal"}, {}, {})
    rows = Rows(("at", "revenue"), ((datetime(2026, 1, 2, 3, 4), Decimal("1234.5")), (datetime(2026, 1, 3), None)))
    data = own_charts.draw(kpi, View(locale="pt-BR"), rows, LIGHT)[0]["series"][0]["data"]
    assert [datum["tooltip"]["formatter"] for datum in data] == [
        "02/01/2026 03:04\nRevenue 1.234,50", "03/01/2026 00:00\nRevenue –",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("DECIMAL(18,2)", "decimal"), ("HUGEINT", "integer"), ("BIGINT[]", "other"), ("STRUCT(a BIGINT)", "other"),
     ("NUMERIC", "decimal"), ("INT64", "integer"), ("DATETIME", "timestamp"), ("FLOAT64", "number"), ("BLOB", "other")],
)  # fmt: skip
def test_kinds(type_: str, kind: str) -> None:
    assert kind_of(type_) == kind


def test_what_is_declared_of_columns_that_are_not_there_is_left_out() -> None:
    """A build with `--select` publishes what another model says now beside the table that it had."""
    meta = {"kpi": {"order_by": ["-gone", "-n"], "filters": {"state": "gone"}, "x": "gone", "y": ["gone", "n"]}}
    kpi = own_kpi("t", "", {"name": "string", "n": "integer"}, {}, meta)
    assert (kpi.order_by, kpi.filters, kpi.x, kpi.y) == (("-n", "name"), {}, "name", ("n",))
    assert own_kpi("t", "", {"n": "integer"}, {}, {"kpi": {"of_another_version": 1}}).order_by == ("n",)


def test_a_column_may_begin_with_a_minus(version: duckdb.DuckDBPyConnection) -> None:
    version.execute('create table own.minus as select 1 as "-n", 2 as n')
    kpi = own_kpi("minus", "", {"-n": "integer", "n": "integer"}, {}, {})
    assert asked(version, *kpi_query(kpi, Filters())).rows == ((1, 2),)


def test_rows_of_a_column_with_any_name() -> None:
    names = ("a", 'x"y', "back\\slash", "line\nbreak")
    assert json.loads(to_json([_row_type(names)(1, 2, 3, 4)])) == [dict(zip(names, (1, 2, 3, 4), strict=True))]
