"""Literals of SQL say what the values of Python said."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from armazem.disk.sql import values

COLUMNS = {
    "a": ("boolean", st.booleans()),
    "b": ("bigint", st.integers(-(2**63), 2**63 - 1)),
    "c": ("double", st.floats(allow_nan=False, allow_infinity=False)),
    "d": ("varchar", st.text(st.characters(exclude_categories=["Cs"]))),
    "e": ("date", st.dates()),
    "f": ("timestamptz", st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))),
}
ROWS = st.lists(st.tuples(*(st.none() | strategy for _, strategy in COLUMNS.values())), min_size=1, max_size=3)


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_what_is_written_is_what_was_said(rows: list[tuple[Any, ...]]) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create table t ({', '.join(f'{name} {type_}' for name, (type_, _) in COLUMNS.items())})")
        connection.execute(f"insert into t {values(rows)}")
        assert connection.execute("from t").fetchall() == rows


def test_a_time_keeps_its_moment_and_a_text_its_lines() -> None:
    moment = datetime(2018, 8, 29, 6, 0, tzinfo=timezone(timedelta(hours=-3)))
    text = "it's\n" * 2000
    with duckdb.connect() as connection:
        found, long, day = connection.execute(values([(moment, text, date(2018, 8, 29))])).fetchall()[0]
    assert (found, long, day) == (moment, text, date(2018, 8, 29))


def test_nothing_is_imported_for_a_first_statement() -> None:
    code = (
        "import sys, duckdb; from armazem.disk.sql import values;"
        "duckdb.connect().execute(values([('a', 1)])).fetchall();"
        "assert 'pandas' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
