"""The filters of the KPI tables: whatever text they are given, they match what they say, or are refused by name."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.cleaning import identifier

from armazem.build.descriptions import TableText, table_text
from armazem.errors import BuildError, QueryError
from armazem.kpis.catalogue import KPIS, Kpi, find_kpi, kpi_of
from armazem.kpis.filters import FILTERS, FilterError, Filters, filters_of, parse_filters
from armazem.kpis.query import count_query, kpi_query
from armazem.serve.http.accept import is_known, preferred

FIRST_DAY = date(2018, 1, 29)
POOLS: dict[str, list[Any]] = {
    "grain": ["day", "week", "month", "year", "all"],
    "level": ["city", "state"],
    "state": ["SP", "RJ", None],
    "city": ["sao paulo", "santa barbara d'oeste", "<b>x</b>", "niterói", None],
    "id": ["a" * 32, "0" * 32, "o'neil", "A-1", "a1"],
    "category": ["toys", "health_beauty", "' or 1=1 --", None],
    "day": [FIRST_DAY + timedelta(days) for days in range(5)] + [None],
}
# The columns that `from` and `to` compare.
DAYS = {kpi.filters["from"] for kpi in KPIS if "from" in kpi.filters}
INJECTIONS = [
    "' or 1=1 --", "' or '1'='1", "x'; drop table kpis.agg_sales_trend; --", "\"", "?", "$1", "%", "_", "null",
    "<script>alert(1)</script>", "\0", "toys\0", "revenue desc", "revenue; --", "- revenue", "--revenue", "",
]  # fmt: skip


def pool(column: str) -> list[Any]:
    for name in ("grain", "level", "state", "city", "category"):
        if column.endswith(name):
            return POOLS[name]
    if column.endswith("_id"):
        return POOLS["id"]
    return POOLS["day"] if column in DAYS or "_date" in column else [1, 2, 3, None]


@pytest.fixture(scope="module")
def tables() -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, list[dict[str, Any]]]]]:
    """Every KPI table with rows of few values, which meet often, and the same rows for Python."""
    chance = random.Random(7)
    rows: dict[str, list[dict[str, Any]]] = {}
    with duckdb.connect() as connection:
        connection.execute("create schema kpis")
        for kpi in KPIS:
            columns = list(table_text(kpi.name).columns)
            kinds = {date: "date", str: "varchar", int: "bigint"}
            types = [kinds[type(pool(column)[0])] for column in columns]
            declared = ", ".join(f"{column} {kind}" for column, kind in zip(columns, types, strict=True))
            connection.execute(f"create table kpis.{kpi.name} ({declared})")
            rows[kpi.name] = [{column: chance.choice(pool(column)) for column in columns} for _ in range(150)]
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"insert into kpis.{kpi.name} values ({marks})", [list(row.values()) for row in rows[kpi.name]]
            )
        yield connection, rows


def plain(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.strip())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).lower()


def meets(row: dict[str, Any], kpi: Kpi, filters: Filters) -> bool:
    """Said once more, in Python and in other words."""
    for entry in FILTERS:
        wanted = getattr(filters, entry.field)
        if wanted is None or entry.name not in kpi.filters:
            continue
        value = row[kpi.filters[entry.name]]
        if value is None:
            return False
        if entry.name == "from":
            met = value >= wanted
        elif entry.name == "to":
            met = value <= wanted
        elif entry.name == "state":
            met = value == wanted.upper()
        elif entry.name == "city":
            met = value == plain(wanted)
        elif entry.name in ("seller", "product"):
            met = value == identifier(wanted)
        else:
            met = value == wanted
        if not met:
            return False
    return True


def likely(name: str) -> st.SearchStrategy[str]:
    """Values that a filter may well have."""
    by_name = {
        "from": st.sampled_from(POOLS["day"][:-1]).map(str),
        "to": st.sampled_from(POOLS["day"][:-1]).map(str),
        "seller": st.sampled_from(POOLS["id"]),
        "product": st.sampled_from(POOLS["id"]),
        "order": st.sampled_from(["revenue", "-revenue", "orders", "-grain", "month", "seller_id"]),
        "limit": st.integers(-2, 200).map(str),
        "offset": st.integers(-2, 200).map(str),
    }
    return by_name[name] if name in by_name else st.sampled_from([value for value in POOLS[name] if value])


ANY_TEXT = st.one_of(
    st.text(alphabet=st.characters(), max_size=30),
    st.sampled_from(INJECTIONS),
    st.text(min_size=195, max_size=205),
    st.integers().map(str),
    st.dates().map(str),
)
NAMES = [entry.name for entry in FILTERS]
GIVEN = st.lists(
    st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), likely(name) | ANY_TEXT))
    | st.tuples(st.text(max_size=10), ANY_TEXT),
    max_size=4,
)


@settings(max_examples=600, deadline=None)
@given(kpi=st.sampled_from(KPIS), given_texts=GIVEN)
def test_any_text_matches_what_it_says_or_is_refused(
    tables: tuple[duckdb.DuckDBPyConnection, dict[str, list[dict[str, Any]]]],
    kpi: Kpi,
    given_texts: list[tuple[str, str]],
) -> None:
    connection, rows = tables
    try:
        filters = parse_filters(kpi, given_texts)
    except FilterError as error:
        assert error.field and error.allowed and all(error.allowed)
        assert len(f"{error} {error.hint}".encode()) < 3000  # it can be sent
        return
    sql, parameters = kpi_query(kpi, filters)
    assert not any(text in sql for text in INJECTIONS[:3])
    answered = connection.execute(sql, parameters)
    columns = [column[0] for column in answered.description]
    found = [dict(zip(columns, row, strict=True)) for row in answered.fetchall()]
    expected = [row for row in rows[kpi.name] if meets(row, kpi, filters)]
    assert connection.execute(*count_query(kpi, filters)).fetchone() == (len(expected),)
    start = filters.offset or 0
    end = len(expected) if filters.limit is None else start + filters.limit
    assert len(found) == len(expected[start:end])
    assert all(row in expected for row in found)
    if filters.limit is None and not start:
        assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert connection.execute(f"select count(*) from kpis.{kpi.name}").fetchone() == (150,)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_sorted_by_any_column_nulls_last(
    tables: tuple[duckdb.DuckDBPyConnection, dict[str, list[dict[str, Any]]]], kpi: Kpi
) -> None:
    connection, rows = tables
    for number, column in enumerate(table_text(kpi.name).columns):
        for order, down in ((column, False), (f"-{column}", True)):
            sql, parameters = kpi_query(kpi, Filters(order=order))
            found = [row[number] for row in connection.execute(sql, parameters).fetchall()]
            values = [row[column] for row in rows[kpi.name]]
            some = sorted((value for value in values if value is not None), reverse=down)
            assert found == some + [None] * (len(values) - len(some))


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_each_table_has_the_columns_that_it_is_filtered_and_sorted_by(kpi: Kpi) -> None:
    columns = set(table_text(kpi.name).columns)
    assert {*kpi.filters.values(), *(column.removeprefix("-") for column in kpi.order_by)} <= columns
    assert set(kpi.filters) <= {entry.name for entry in FILTERS}
    assert ("grain" in kpi.filters) == bool(kpi.grains)
    assert {"order", "limit", "offset"} <= {entry.name for entry in filters_of(kpi)}


@pytest.mark.parametrize(
    ("name", "given_texts", "field", "allowed"),
    [
        ("sales_trend", [("grain", "year")], "grain", "day, week, month"),
        ("sales_trend", [("seller", "x")], "filter", "from, to, grain, order, limit, offset"),
        ("monthly_growth", [("from", "2018-02-30")], "from", "2018-03-31"),
        ("monthly_growth", [("from", "20180203")], "from", "2018-03-31"),
        ("monthly_growth", [("from", "2018-02-03"), ("to", "2018-02-02")], "from", "2018-02-02"),
        ("monthly_growth", [("order", "grain")], "order", "-revenue"),
        ("sales_by_seller", [("state", "São Paulo")], "state", "two letters"),
        ("sales_by_seller", [("state", "ſp")], "state", "two letters"),
        ("sales_by_seller", [("city", "x" * 201)], "city", "200 characters"),
        ("sales_by_seller", [("city", "\udcff")], "city", "text"),
        ("sales_by_seller", [("limit", "0")], "limit", "1 to 100000"),
        ("sales_by_seller", [("limit", "100001")], "limit", "1 to 100000"),
        ("sales_by_seller", [("limit", "١٠")], "limit", "1 to 100000"),
        ("sales_by_seller", [("offset", "-1")], "offset", "from 0"),
        ("sales_by_seller", [("limit", "9" * 5000)], "limit", "1 to 100000"),
        ("sales_by_seller", [("limit", "5"), ("limit", "6")], "limit", "1 to 100000"),
    ],
)
def test_an_error_names_what_is_allowed(
    name: str, given_texts: list[tuple[str, str]], field: str, allowed: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filters(find_kpi(name), given_texts)
    assert caught.value.field == field
    assert allowed in caught.value.hint
    assert len(str(caught.value)) < 300


def test_filters_made_without_texts_are_checked_too() -> None:
    trend = find_kpi("sales_trend")
    for wrong in (Filters(order="revenue desc"), Filters(grain="year"), Filters(limit=0), Filters(city="natal")):
        with pytest.raises(FilterError):
            kpi_query(trend, wrong)


def test_an_unknown_kpi_names_those_there_are() -> None:
    assert find_kpi("sales_trend") is find_kpi("agg_sales_trend")
    with pytest.raises(QueryError) as caught:
        find_kpi("profit")
    assert all(kpi.name in caught.value.hint for kpi in KPIS)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"), ("*/*", "json"), ("application/json", "json"), ("text/csv", "csv"), ("text/*", "csv"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/json;q=0.5, text/csv", "csv"), ("application/json;q=0, */*", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"), ("text/csv;q=0.5, application/json;q=0.5", "json"),
        ("*/*;q=0.1, text/csv;q=0.2", "csv"), ("image/png", None), ("*/*;q=0", None), ("text/csv;q=0", None),
        ("text/csv;q=high", None), (";;,,", None),
    ],
)  # fmt: skip
def test_which_form_is_preferred(accept: str, expected: str | None) -> None:
    media = {"application/json": "json", "text/csv": "csv"}
    found = preferred(accept, tuple(media))
    assert (media[found] if found else None) == expected


@given(st.text())
def test_no_accept_header_raises(accept: str) -> None:
    assert preferred(accept, ("application/json", "text/csv")) in ("application/json", "text/csv", None)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"a-1"', True), ('"b", "a-1"', True), ('W/"a-1"', True), ("*", True), ("", False), ('"a-2"', False),
        ("a-1", False), ('"a-', False),
    ],
)  # fmt: skip
def test_whether_an_answer_is_known(header: str, known: bool) -> None:
    assert is_known(header, '"a-1"') is known


COLUMNS = {"month": "", "revenue": ""}
META = {"title": "Mine", "order_by": ["-month"], "filters": {"from": "month"}}


def test_a_kpi_is_what_its_model_declares() -> None:
    kpi = kpi_of("agg_mine", TableText("", COLUMNS, {"kpi": META}))
    assert (kpi.name, kpi.title, kpi.order_by, dict(kpi.filters), kpi.head) == (
        "agg_mine", "Mine", ("-month",), {"from": "month"}, "true",
    )  # fmt: skip
    assert KPIS[-1].place <= kpi.place


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({**META, "order_by": ["-week"]}, "no week"),
        ({**META, "filters": {"from": "day"}}, "no day"),
        ({**META, "heads": "true"}, "no heads"),
        ({**META, "title": 5}, "title"),
        ({"title": "Mine", "filters": {}}, "order_by"),
    ],
)
def test_a_wrong_declaration_is_said(meta: dict[str, Any], said: str) -> None:
    with pytest.raises(BuildError, match=f"meta.kpi of model agg_mine cannot be used.*{said}"):
        kpi_of("agg_mine", TableText("", COLUMNS, {"kpi": meta}))
