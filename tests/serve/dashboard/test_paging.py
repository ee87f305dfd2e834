"""Pages of tables: every row once, in order, with all the words, from SQL and from lists alike; and their CSV."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest

from armazem.kpis.csv_cells import neutral
from armazem.serve.dashboard.downloads import csv_lines, in_batches
from armazem.serve.dashboard.paging import (
    SIZE,
    Page,
    Wanted,
    all_query,
    ask_page,
    matching,
    page_of,
    page_of_answer,
    page_query,
)
from armazem.serve.dashboard.queries import Query
from armazem.targets.duckdb.query import fetch
from armazem.targets.rows import Rows

NAMES = ("são paulo", "SAO PAULO", "x'; drop table t; --", "100%_", "", None, "{b}", "rio de janeiro")
TEXTS = ("name", "code")
OWN = Query("id = ? desc, id", (7,))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rng = random.Random(5)
    with duckdb.connect() as connection:
        connection.execute("create table t (id integer, name varchar, code varchar, amount decimal(18, 2), day date)")
        for number in range(SIZE * 3 + 17):
            amount = None if number % 9 == 0 else rng.randint(-5, 5)
            connection.execute(
                "insert into t values (?, ?, ?, ?, date '2026-01-01' + ?)",
                [number, rng.choice(NAMES), f"c{number % 13}", amount, number % 5],
            )
        yield connection


WANTED = (
    Wanted(),
    Wanted(order=(("amount", True),)),
    Wanted(order=(("amount", False), ("name", True))),
    Wanted(words="sao"),
    Wanted(words="SÃO c1"),
    Wanted(words="'; drop table t"),
    Wanted(words="%_", order=(("day", True),)),
    Wanted(words="no such word"),
)


def whole(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Rows:
    query = all_query(Query("select * from t where id >= ?", (0,)), OWN, TEXTS, wanted)
    return fetch(connection, query.sql, query.parameters)


def pages(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Iterator[Page]:
    offset = 0
    while True:
        at = Wanted(wanted.order, wanted.words, offset)
        query = page_query(Query("select * from t where id >= ?", (0,)), OWN, TEXTS, at)
        page = page_of_answer(fetch(connection, query.sql, query.parameters), at)
        yield page
        offset += SIZE
        if offset >= page.total:
            return


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_pages_are_the_whole_table_in_order(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> None:
    rows = whole(connection, wanted)
    found = list(pages(connection, wanted))
    assert [row for page in found for row in page.rows] == list(rows.rows)
    assert all(page.total == len(rows.rows) for page in found)
    assert all(len(page.rows) == SIZE for page in found[:-1])
    assert found[0].columns == rows.columns


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_rows_at_hand_are_paged_as_sql_does(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> None:
    everything = whole(connection, Wanted())
    assert matching(everything, TEXTS, wanted) == whole(connection, wanted)
    page = page_of(everything, TEXTS, Wanted(wanted.order, wanted.words, 0))
    assert page == next(pages(connection, wanted))


def test_words_mean_what_they_say(connection: duckdb.DuckDBPyConnection) -> None:
    count = "select count(*) from t where name in ('são paulo', 'SAO PAULO')"
    assert len(whole(connection, Wanted(words="são PAULO")).rows) == connection.sql(count).fetchall()[0][0]
    assert len(whole(connection, Wanted(words="")).rows) == SIZE * 3 + 17
    assert whole(connection, Wanted(words="no such word")).rows == ()


def test_a_page_past_the_end_is_the_last_one() -> None:
    rows = Rows(("n",), tuple((number,) for number in range(SIZE + 5)))
    page = ask_page(lambda wanted: page_of(rows, (), wanted), Wanted(offset=7 * SIZE))
    assert (page.offset, len(page.rows), page.total) == (SIZE, 5, SIZE + 5)
    none = ask_page(lambda wanted: page_of(Rows(("n",), ()), (), wanted), Wanted(offset=SIZE))
    assert (none.offset, none.rows, none.total) == (0, (), 0)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@a", "\t=1", "\r=1"])
def test_a_text_is_no_formula(text: str) -> None:
    assert neutral(text) == f"'{text}"
    written = "".join(csv_lines(in_batches(("text", text), [(text, -1), ("a=1", None)])))
    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline="")))
    assert rows == [["text", f"'{text}"], [f"'{text}", "-1"], ["a=1", ""]]


def test_a_file_is_written_some_lines_at_a_time() -> None:
    rows: Sequence[Sequence[Any]] = [(number, 'ç,"\n') for number in range(2500)]
    parts = list(csv_lines(in_batches(("n", "t"), rows)))
    assert len(parts) == 4
    read = list(csv.reader(io.StringIO("".join(parts).removeprefix("\ufeff"), newline="")))
    assert read == [["n", "t"], *([str(number), text] for number, text in rows)]
