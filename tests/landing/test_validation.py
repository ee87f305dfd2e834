"""Each type of column: what is accepted and as what, what is refused and why."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.contract import TABLES, Column, ColumnType, Table, table
from armazem.contract.identifiers import canonical, fault
from armazem.contract.model import ColumnType as T
from armazem.contract.nulls import NULL_WORDS, is_null
from armazem.disk.sql import sql_text
from armazem.landing.validation import AGAIN, Written, validated


@cache
def in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def check(values: list[str], column: Column, written: Written | None = None) -> list[tuple[Any, str | None]]:
    """(typed value, code or None) for each text of this column."""
    table = Table("t", "t.csv", "", (), (column,))
    connection = in_memory()
    connection.execute("CREATE OR REPLACE TABLE source (i INTEGER, c VARCHAR)")
    texts = pa.table({"i": range(len(values)), "c": pa.array(values, pa.string())})
    connection.register("texts", texts)
    connection.execute("INSERT INTO source SELECT * FROM texts")
    query = validated(table, "source", {column.name: "c"}, keep=["i"], written=written)
    rows = connection.execute(f"SELECT * EXCLUDE (i) FROM ({query}) ORDER BY i").fetchall()
    return [(value, problem and problem.partition(":")[2]) for value, problem in rows]


def one(text: str, kind: ColumnType, **rules: Any) -> tuple[Any, str | None]:
    return check([text], Column("some_column", kind, "", **rules))[0]


NULLS = [
    *sorted(NULL_WORDS),
    *(word.upper() for word in sorted(NULL_WORDS)),
    " NaN\t",
    "\u00a0Null\u2003",
    "\u3000",
    "\u2007" * 20,
]

ACCEPTED: list[tuple[ColumnType, str, Any]] = [
    (T.TEXT, "  a b\t", "a b"),
    (T.TEXT, " \n ", None),
    (T.TEXT, "", None),
    *((kind, text, None) for kind in T for text in NULLS),
    (T.TEXT, "none of it", "none of it"),
    (T.TEXT, "são", "são"),
    (T.ZIP, "-1", "-1"),
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
    (T.MONEY, "58.900000000000006", Decimal("58.90")),
    (T.MONEY, "-58.899999999999999", Decimal("-58.90")),
    (T.MONEY, "0.30000000000000004", Decimal("0.30")),
    (T.MONEY, "1.999999999999999999999", Decimal("2.00")),
    (T.MONEY, "58.90000001", Decimal("58.90")),
    (T.MONEY, "2.7755575615628914e-17", Decimal("0.00")),
    (T.MONEY, "1234567.8900000001", Decimal("1234567.89")),
    (T.NUMBER, "0.30000000000000004", Decimal("0.300")),
    (T.FLOAT, "-23.54562128115268", -23.54562128115268),
    (T.FLOAT, "1e-5", 1e-5),
    (T.TIMESTAMP, "2018-01-02 10:56:33", datetime(2018, 1, 2, 10, 56, 33)),
    (T.TIMESTAMP, "2018-01-02T10:56", datetime(2018, 1, 2, 10, 56)),
    (T.TIMESTAMP, "2018-01-02", datetime(2018, 1, 2)),
    (T.TIMESTAMP, "2018-01-02 10:56:33.25", datetime(2018, 1, 2, 10, 56, 33, 250000)),
    (T.TIMESTAMP, "2016-02-29", datetime(2016, 2, 29)),
    # Zones: Brazil's summer time ended in the night to 2018-02-18, and a day may change.
    (T.TIMESTAMP, "2018-01-02T03:04:05Z", datetime(2018, 1, 2, 1, 4, 5)),
    (T.TIMESTAMP, "2018-03-02T03:04:05.000Z", datetime(2018, 3, 2, 0, 4, 5)),
    (T.TIMESTAMP, "2018-03-02 03:04:05 UTC", datetime(2018, 3, 2, 0, 4, 5)),
    (T.TIMESTAMP, "2018-03-02 02:04:05.123456 UTC", datetime(2018, 3, 1, 23, 4, 5, 123456)),
    (T.TIMESTAMP, "2018-03-02 03:04:05+00", datetime(2018, 3, 2, 0, 4, 5)),
    (T.TIMESTAMP, "2018-03-02T03:04:05-03:00", datetime(2018, 3, 2, 3, 4, 5)),
    (T.TIMESTAMP, "2018-03-02T03:04:05+0530", datetime(2018, 3, 1, 18, 34, 5)),
    # As long as a time without zone, so that a look at the length alone would drop the offset.
    (T.TIMESTAMP, "2018-03-02T03:04+00", datetime(2018, 3, 2, 0, 4)),
    (T.TIMESTAMP, "2018-03-02 03:04+00", datetime(2018, 3, 2, 0, 4)),
    (T.TIMESTAMP, "2018-01-02 10:56:33.123456789", datetime(2018, 1, 2, 10, 56, 33, 123457)),
    (T.TIMESTAMP, "2018-01-02 10:56:33.1234565", datetime(2018, 1, 2, 10, 56, 33, 123457)),
    (T.TIMESTAMP, "2018-12-31 23:59:59.999999999", datetime(2019, 1, 1)),
    (T.TIMESTAMP, "2018-12-31 23:59:60", datetime(2019, 1, 1)),
    (T.TIMESTAMP, "2016-12-31T23:59:60Z", datetime(2016, 12, 31, 22)),
    (T.TIMESTAMP, "2016-12-31T20:59:60.5-03:00", datetime(2016, 12, 31, 22, 0, 0, 500_000)),
]

REFUSED: list[tuple[ColumnType, str, str]] = [
    (T.IDENTIFIER, "a b", "bad_identifier"),
    (T.IDENTIFIER, "a\tb", "bad_identifier"),
    (T.IDENTIFIER, "a\x0bb", "bad_identifier"),
    (T.IDENTIFIER, "a\u00a0b", "bad_identifier"),
    (T.IDENTIFIER, "x" * 65, "bad_identifier"),
    *((T.IDENTIFIER, f"{a}s2{b}", "bad_identifier") for a, b in (("\ufeff", ""), ("", "\u200b"), ("x\u2060", ""))),
    *((T.IDENTIFIER, f"s{chr(code)}2", "bad_identifier") for code in (1, 31, 127, 0xAD, 0x3000, 0xE0041)),
    *((T.IDENTIFIER, text, "bad_identifier") for text in ("5.72613E+12", "1e+15", "-6.E+3")),
    *((T.INTEGER, text, "wrong_type") for text in ["40.5", "0x10", "1_000", "1e3", "9223372036854775808", "a"]),
    *(
        (T.MONEY, text, "wrong_type")
        for text in ["1.239", "1,99", "58.905", "58.9000001", "1.e-17", "-inf", "inf", "1e3", "R$ 5", "1_0", "--1"]
    ),
    (T.MONEY, "99999999999999999.00", "wrong_type"),
    (T.NUMBER, "0.1234", "wrong_type"),
    *((T.FLOAT, text, "wrong_type") for text in ["-nan", "inf", "-Infinity", "1e999", "1_0", "1,5", "x"]),
    *(
        (T.TIMESTAMP, text, "bad_timestamp")
        for text in [
            "02/01/2018",
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
            "2018-01-02 (BC)",
            "2018-01-02 10:56:33 America/Sao_Paulo",
            "2018-01-02 10:56:33+24",
            "2018-01-02 10:56:33  UTC",
            "2018-01-02Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31 23:59:60",
            "2018-12-31 20:59:60",
            "2018-12-31T20:59:60-04:00",
            "2018-01-02 23:59:61",
            "2018-01-02 10:56:33.",
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
    assert all(one(word, kind, required=True)[1] == "missing_field" for kind in T for word in NULLS)
    assert one("lost", T.TEXT, values=("created", "lost it"))[1] == "bad_value"
    assert one(" created ", T.TEXT, values=("created",)) == ("created", None)
    assert one("Created", T.TEXT, values=("created",))[1] == "bad_value"
    assert one("", T.TEXT, values=("created",)) == (None, None)
    assert one("-0.01", T.MONEY, minimum=0)[1] == "negative_amount"
    assert one("0", T.MONEY, minimum=0)[1] is None
    assert one("0", T.INTEGER, minimum=1)[1] == "bad_value"
    assert one("6", T.INTEGER, minimum=1, maximum=5)[1] == "bad_value"
    assert one("91", T.FLOAT, minimum=-90, maximum=90)[1] == "bad_value"
    assert one("-nan", T.FLOAT, minimum=-90, maximum=90)[1] == "wrong_type"


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
        assert duckdb.sql(f"SELECT {sql_text(text)}").fetchall() == [(text,)]


def expected_time(text: str) -> datetime | None:
    """What the contract says about a time, in Python."""
    text = text.strip(" \t\n\v\f\r")
    shape = r"(\d{4}-\d\d-\d\d)([ Tt](\d\d):(\d\d)(:(\d\d)(\.(\d+))?)?( ?(Z|z|UTC|([+-])(\d\d)(:?(\d\d))?))?)?"
    found = re.fullmatch(shape, text, re.ASCII)
    if found is None:
        return None
    hour, minute, second = int(found[3] or 0), int(found[4] or 0), int(found[6] or 0)
    offset = (int(found[12] or 0), int(found[14] or 0))
    if hour > 23 or minute > 59 or second > 60 or max(offset) > 59 or offset[0] > 23:
        return None
    try:
        time = datetime.fromisoformat(found[1]).replace(hour=hour, minute=minute)
        time += timedelta(seconds=second, microseconds=(int((found[8] or "").ljust(7, "0")[:7]) + 5) // 10)
        if found[9]:
            minutes = (offset[0] * 60 + offset[1]) * (-1 if found[11] == "-" else 1)
            zone = timezone(timedelta(minutes=minutes))
            utc = time.replace(tzinfo=zone).astimezone(UTC)
            time = utc.astimezone(ZoneInfo("America/Sao_Paulo")).replace(tzinfo=None, fold=0)
    except (ValueError, OverflowError):
        return None
    # A leap second is the last one of a day, as it is written or in UTC.
    last = (hour, minute) == (23, 59) or (found[9] and (utc.hour, utc.minute) == (0, 0))
    return time if second < 60 or last else None


times = st.lists(
    st.one_of(
        st.from_regex(r"\A(0|1|2)\d{3}-[01]\d-[0-3]\d([ T][012]\d:[0-6]\d(:[0-6]\d(\.\d{1,7})?)?)?\Z"),
        st.from_regex(
            r"\A20[01]\d-0[1-9]-[012]\d[ T][012]\d:[0-5]9:(59|60)(\.\d{1,12})?( ?UTC|Z|[+-][01]\d(:?[0-5]\d)?)?\Z"
        ),
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
    found = check(texts, Column("some_column", T.TIMESTAMP, ""))
    for text, (value, code) in zip(texts, found, strict=True):
        expected = expected_time(text)
        if is_null(text):
            assert (value, code) == (None, None)
        elif expected is None:
            assert code == "bad_timestamp", text
        else:
            assert (value, code) == (expected, None), text


amounts = st.lists(
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15).map(str),
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99, max_value=99).map(str),
        st.floats(-(10**7), 10**7).map(lambda amount: repr(round(amount, 2) + 0.1)),
        st.text(alphabet="0123456789.+-e_, ", max_size=8),
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.slow
@settings(max_examples=fuzz(40), deadline=None)
@given(amounts)
def test_amounts_are_exact(texts: list[str]) -> None:
    found = check(texts, Column("some_column", T.MONEY, ""))
    for text, (value, code) in zip(texts, found, strict=True):
        stripped = text.strip()
        well_written = re.fullmatch(r"[+-]?(\d+(\.\d{0,2}0*)?|\.\d{1,2}0*)", stripped, re.ASCII)
        if is_null(text):
            assert (value, code) == (None, None)
        elif well_written is None:
            near = re.fullmatch(r"[+-]?(\d*\.\d+|\d(\.\d+)?[eE]-\d{1,3})", stripped, re.ASCII) and Decimal(stripped)
            if near is not None and abs(near - round(near, 2)) <= Decimal("1e-8"):
                assert (value, code) == (round(near, 2), None), text
            else:
                assert code == "wrong_type", text
        else:
            assert (value, code) == (Decimal(stripped), None), text


@settings(deadline=None)
@given(st.text(alphabet=" \t\u00a0nulNaNoe/#<>-0\\1:T", max_size=9) | st.sampled_from(NULLS))
def test_null_words_are_those_of_the_contract(text: str) -> None:
    value, code = one(text, T.TEXT)
    assert code is None
    assert (value is None) == is_null(text)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=70))
def test_identifiers_are_those_of_the_contract(text: str) -> None:
    text = text.strip(" \t\n\v\f\r")
    if not is_null(text):
        assert one(text, T.IDENTIFIER) == (text, "bad_identifier" if fault(canonical(text)) else None)


def test_a_decimal_comma() -> None:
    texts = ["58,90", "58", "1.234,56", "58.90", "58,900000000000006"]
    assert [code for _, code in check(texts, Column("price", T.MONEY, ""), Written(decimal=","))] == [
        None,
        None,
        "wrong_type",
        "wrong_type",
        None,
    ]
    assert check(["-23,5"], Column("latitude", T.FLOAT, ""), Written(decimal=",")) == [(-23.5, None)]
    assert check(["a,b"], Column("city", T.TEXT, ""), Written(decimal=",")) == [("a,b", None)]


def test_times_are_of_the_zone_that_is_set() -> None:
    column = Column("bought_at", T.TIMESTAMP, "")
    written = Written(zone="Asia/Tokyo")
    assert check(["2018-01-02T03:04:05Z", "2018-01-02 03:04:05"], column, written) == [
        (datetime(2018, 1, 2, 12, 4, 5), None),
        (datetime(2018, 1, 2, 3, 4, 5), None),
    ]


def test_a_header_that_comes_again() -> None:
    names = [column.name for column in table("products").columns]
    rows = [
        names,
        [n.replace("name_length", "name_lenght").upper() for n in names],
        ["product_id", *[""] * 8],
        ['\ufeff"product_id"', *names[1:]],
    ]
    values = ", ".join("(" + ", ".join(sql_text(field) for field in row) + ")" for row in rows)
    query = validated(table("products"), f"(VALUES {values})", {n: f"col{i}" for i, n in enumerate(names)})
    assert [row[-1] for row in duckdb.sql(query).fetchall()] == [AGAIN, AGAIN, None, AGAIN]
