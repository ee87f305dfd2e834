"""Each type of column: what is accepted and as what, what is refused and why."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.contract import TABLES, Column, ColumnType, Table
from armazem.contract.model import ColumnType as T
from armazem.landing.validation import quoted, validated


@cache
def in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def check(values: list[str], column: Column) -> list[tuple[Any, str | None]]:
    """(typed value, code or None) for each text of this column."""
    table = Table("t", "t.csv", "", (), (column,))
    connection = in_memory()
    connection.execute("CREATE OR REPLACE TABLE source (i INTEGER, c VARCHAR)")
    texts = pa.table({"i": range(len(values)), "c": pa.array(values, pa.string())})
    connection.register("texts", texts)
    connection.execute("INSERT INTO source SELECT * FROM texts")
    rows = connection.execute(
        f"SELECT * EXCLUDE (i) FROM ({validated(table, 'source', {column.name: 'c'}, keep=['i'])}) ORDER BY i"
    ).fetchall()
    return [(value, problem and problem.partition(":")[2]) for value, problem in rows]


def one(text: str, kind: ColumnType, **rules: Any) -> tuple[Any, str | None]:
    return check([text], Column("x", kind, "", **rules))[0]


ACCEPTED: list[tuple[ColumnType, str, Any]] = [
    (T.TEXT, "  a b\t", "a b"),
    (T.TEXT, " \n ", None),
    (T.TEXT, "", None),
    (T.TEXT, "NULL", "NULL"),
    (T.ZIP, "01037", "01037"),
    (T.IDENTIFIER, " 4a4e-x_9 ", "4a4e-x_9"),
    (T.IDENTIFIER, "é" * 64, "é" * 64),
    (T.INTEGER, "40", 40),
    (T.INTEGER, "40.0", 40),
    (T.INTEGER, "-007", -7),
    (T.INTEGER, "9223372036854775807", 9223372036854775807),
    (T.NUMBER, "225", Decimal("225.000")),
    (T.NUMBER, "0.125", Decimal("0.125")),
    (T.MONEY, "58.9", Decimal("58.90")),
    (T.MONEY, "58.900", Decimal("58.90")),
    (T.MONEY, "-0.01", Decimal("-0.01")),
    (T.MONEY, " 7 ", Decimal("7.00")),
    (T.MONEY, "9999999999999999.99", Decimal("9999999999999999.99")),
    (T.FLOAT, "-23.54562128115268", -23.54562128115268),
    (T.FLOAT, "1e-5", 1e-5),
    (T.TIMESTAMP, "2018-01-02 10:56:33", datetime(2018, 1, 2, 10, 56, 33)),
    (T.TIMESTAMP, "2018-01-02T10:56", datetime(2018, 1, 2, 10, 56)),
    (T.TIMESTAMP, "2018-01-02", datetime(2018, 1, 2)),
    (T.TIMESTAMP, "2018-01-02 10:56:33.25", datetime(2018, 1, 2, 10, 56, 33, 250000)),
    (T.TIMESTAMP, "2016-02-29", datetime(2016, 2, 29)),
]

REFUSED: list[tuple[ColumnType, str, str]] = [
    (T.IDENTIFIER, "a b", "bad_identifier"),
    (T.IDENTIFIER, "a\tb", "bad_identifier"),
    (T.IDENTIFIER, "a\x0bb", "bad_identifier"),
    (T.IDENTIFIER, "a\u00a0b", "bad_identifier"),
    (T.IDENTIFIER, "x" * 65, "bad_identifier"),
    *((T.INTEGER, text, "wrong_type") for text in ["40.5", "0x10", "1_000", "1e3", "9223372036854775808", "a"]),
    *((T.MONEY, text, "wrong_type") for text in ["1.239", "1,99", "NaN", "inf", "1e3", "R$ 5", "1_0", "--1"]),
    (T.MONEY, "99999999999999999.00", "wrong_type"),
    (T.MONEY, "1.999999999999999999999", "wrong_type"),
    (T.NUMBER, "0.1234", "wrong_type"),
    *((T.FLOAT, text, "wrong_type") for text in ["nan", "inf", "-Infinity", "1e999", "1_0", "1,5", "x"]),
    *(
        (T.TIMESTAMP, text, "bad_timestamp")
        for text in [
            "02/01/2018",
            "2018-01-02 10:56:33+03",
            "2018-01-02 10:56:33Z",
            "2018-01-02T10:56:33-03:00",
            "2018-1-2",
            "2018-02-29",
            "2018-13-01",
            "2018-01-02 24:00:00",
            "2018-01-02 10:56:60",
            "2018-01-02 10",
            "2018/01/02",
            "0000-01-01",
            "infinity",
            "epoch",
            "20180102",
            "2018-01-02  10:56:33",
            "2018-01-02 10:56:33.1234567",
            "2018-01-02 (BC)",
        ]
    ),
]


@pytest.mark.parametrize(("kind", "text", "value"), ACCEPTED)
def test_accepted(kind: ColumnType, text: str, value: Any) -> None:
    assert one(text, kind) == (value, None)


@pytest.mark.parametrize(("kind", "text", "code"), REFUSED)
def test_refused(kind: ColumnType, text: str, code: str) -> None:
    assert one(text, kind)[1] == code


def test_rules_of_a_column() -> None:
    assert one(" ", T.TEXT, required=True)[1] == "missing_field"
    assert one("lost", T.TEXT, values=("created", "lost it"))[1] == "bad_value"
    assert one(" created ", T.TEXT, values=("created",)) == ("created", None)
    assert one("Created", T.TEXT, values=("created",))[1] == "bad_value"
    assert one("", T.TEXT, values=("created",)) == (None, None)
    assert one("-0.01", T.MONEY, minimum=0)[1] == "negative_amount"
    assert one("0", T.MONEY, minimum=0)[1] is None
    assert one("0", T.INTEGER, minimum=1)[1] == "bad_value"
    assert one("6", T.INTEGER, minimum=1, maximum=5)[1] == "bad_value"
    assert one("91", T.FLOAT, minimum=-90, maximum=90)[1] == "bad_value"
    assert one("nan", T.FLOAT, minimum=-90, maximum=90)[1] == "wrong_type"


def test_the_first_bad_column_in_contract_order_is_reported() -> None:
    columns = (Column("a", T.INTEGER, ""), Column("b", T.MONEY, "", minimum=0))
    table = Table("t", "t.csv", "", (), columns)
    query = validated(table, "(SELECT 'x' AS c1, '-1' AS c0)", {"a": "c1", "b": "c0"})
    assert duckdb.sql(query).fetchall() == [(None, Decimal("-1.00"), "a:wrong_type")]


@pytest.mark.parametrize("contract", TABLES, ids=lambda contract: contract.name)
def test_the_query_keeps_the_order_of_the_rows(contract: Table) -> None:
    connection = duckdb.connect()
    columns = ", ".join(f"NULL::VARCHAR AS {column.name}" for column in contract.columns)
    connection.execute(f"CREATE TABLE source AS SELECT {columns} FROM range(10)")
    query = validated(contract, "source", {column.name: column.name for column in contract.columns})
    plan = connection.execute(f"EXPLAIN {query}").fetchall()[0][1]
    assert "PROJECTION" in plan and "JOIN" not in plan and "UNION" not in plan


def test_quoted_is_read_back_as_it_was() -> None:
    for text in ["", "it's", "\t", "a\nb'\r", "é\u00a0"]:
        assert duckdb.sql(f"SELECT {quoted(text)}").fetchall() == [(text,)]


def expected_time(text: str) -> datetime | None:
    """What the contract says about a time, in Python."""
    text = text.strip(" \t\n\v\f\r")
    shape = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?"
    if not re.fullmatch(shape, text, re.ASCII):
        return None
    date, _, time = text.replace("T", " ").partition(" ")
    time = {0: "00:00:00", 5: time + ":00"}.get(len(time), time)
    time, _, fraction = time.partition(".")
    try:
        parsed = datetime.strptime(f"{date} {time}", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return parsed.replace(microsecond=int(fraction.ljust(6, "0") or 0)) if parsed.second < 60 else None


times = st.lists(
    st.one_of(
        st.from_regex(r"\A(0|1|2)\d{3}-[01]\d-[0-3]\d([ T][012]\d:[0-6]\d(:[0-6]\d(\.\d{1,7})?)?)?\Z"),
        st.datetimes().map(str),
        st.text(alphabet="0123456789-: T.Z+", max_size=20),
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.slow
@settings(max_examples=fuzz(40), deadline=None)
@given(times)
def test_times_are_exact(texts: list[str]) -> None:
    found = check(texts, Column("x", T.TIMESTAMP, ""))
    for text, (value, code) in zip(texts, found, strict=True):
        expected = expected_time(text)
        if not text.strip():
            assert (value, code) == (None, None)
        elif expected is None:
            assert code == "bad_timestamp", text
        else:
            assert (value, code) == (expected, None), text


amounts = st.lists(
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15).map(str),
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99, max_value=99).map(str),
        st.text(alphabet="0123456789.+-e_, ", max_size=8),
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.slow
@settings(max_examples=fuzz(40), deadline=None)
@given(amounts)
def test_amounts_are_exact(texts: list[str]) -> None:
    found = check(texts, Column("x", T.MONEY, ""))
    for text, (value, code) in zip(texts, found, strict=True):
        stripped = text.strip()
        well_written = re.fullmatch(r"[+-]?(\d+(\.\d{0,2}0*)?|\.\d{1,2}0*)", stripped, re.ASCII)
        if not stripped:
            assert (value, code) == (None, None)
        elif well_written is None:
            assert code == "wrong_type", text
        else:
            assert (value, code) == (Decimal(stripped), None), text
