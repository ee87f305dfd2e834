"""The fast and the exact way give the same rows, on any valid file."""

from __future__ import annotations

import codecs
import io
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.contract import Column, ColumnType, Table
from armazem.contract.nulls import is_null
from armazem.landing.exact import copy_exact
from armazem.landing.fast import NotPlain, copy_fast
from armazem.landing.header import read_header
from armazem.landing.prescan import scan_file
from armazem.landing.rejects import RejectWriter
from armazem.landing.tokenizer import Lines
from armazem.landing.validation import Written

TABLE = Table(
    "t",
    "t.csv",
    "",
    (),
    (Column("a", ColumnType.TEXT, ""), Column("b", ColumnType.TEXT, ""), Column("n", ColumnType.INTEGER, "")),
)
Rows = list[tuple[Any, ...]]


def rows_of(path: Path) -> Rows:
    return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]


def fast(folder: Path, data: bytes) -> Rows | None:
    """The rows of the fast way, None where it declines."""
    source = folder / "t.csv"
    source.write_bytes(data)
    scan = scan_file(source, "t.csv")
    header = read_header(Lines(io.BytesIO(data[scan.bom :]), "t.csv"), TABLE, "t.csv", b",")
    try:
        copy_fast(duckdb.connect(), source, folder / "fast.parquet", TABLE, header, scan, b",", folder, Written())
    except NotPlain:
        return None
    return rows_of(folder / "fast.parquet")


def exact(folder: Path, data: bytes) -> tuple[Rows, int]:
    """The rows of the exact way, and how many it refused."""
    lines = Lines(io.BytesIO(data.removeprefix(codecs.BOM_UTF8)), "t.csv")
    header = read_header(lines, TABLE, "t.csv", b",")
    writer = RejectWriter(folder / "t.jsonl", "t.csv")
    target = folder / "exact.parquet"
    copy_exact(duckdb.connect(), lines, target, TABLE, header, writer, b",", lambda rows: None, Written())
    writer.close()
    return rows_of(target), writer.count


texts = st.text(
    alphabet=st.one_of(
        st.sampled_from(list(' ",;ab\n\r\t#\\é€😀\ufeff\u2028\x85')),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
rows = st.lists(st.tuples(texts, texts, st.one_of(st.just(""), st.integers().map(str))), max_size=12)


def written(field: str, quote: bool) -> str:
    if quote or any(character in field for character in '",\n\r'):
        return '"' + field.replace('"', '""') + '"'
    return field


def clean(field: str) -> str | None:
    return None if is_null(field) else field.strip(" \t\n\v\f\r")


@pytest.mark.slow
@settings(max_examples=fuzz(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans(), st.randoms())
def test_the_same_rows_on_any_valid_file(
    tmp_path: Path,
    table: list[tuple[str, str, str]],
    end: str,
    bom: bool,
    last_end: bool,
    chance: random.Random,
) -> None:
    table = [row for row in table if row[2] == "" or abs(int(row[2])) < 2**63]
    lines = [",".join(written(field, chance.random() < 0.3) for field in row) for row in table]
    text = end.join(["a,b,n", *lines]) + (end if last_end else "")
    data = (codecs.BOM_UTF8 if bom else b"") + text.encode()
    expected = [(clean(a), clean(b), int(n) if n else None) for a, b, n in table]

    found, refused = exact(tmp_path, data)
    assert (found, refused) == (expected, 0)
    quick = fast(tmp_path, data)
    assert quick is None or quick == expected


# All forms of values that have a rule of their own, and the header once more.
SPECIAL = ["NULL", "nan", "-", "a", "b", "n", "\ufeffa", "a,b,n\n", '"A","B","N"\n', '\ufeff"a",b,n\n', "1,0", "1.0"]
ALPHABET = [*SPECIAL, "x", "1", ",", ",", '"', '"', '""', " ", " ", "\n", "\n", "\r\n", "\r", "é"]


@pytest.mark.slow
@settings(max_examples=fuzz(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join))
def test_the_fast_way_accepts_nothing_that_the_exact_one_refuses(tmp_path: Path, body: str) -> None:
    data = ("a,b,n\n" + body).encode()
    quick = fast(tmp_path, data)
    if quick is not None:
        assert (quick, 0) == exact(tmp_path, data)


def test_the_fast_way_is_taken_for_what_is_common(tmp_path: Path) -> None:
    for data in (
        b"a,b,n\nx,y,1\n",
        b"a,b,n\r\nx,y,1\r\n",
        codecs.BOM_UTF8 + b'"a","b","n"\n"x","y ""z"", w\n",1',
        'a,b,n\n"são, paulo", y ,1\n'.encode(),
        b"n,unknown,b,a\n1,?,y,x\n",
    ):
        assert fast(tmp_path, data) is not None, data


def test_a_file_read_by_several_threads(tmp_path: Path) -> None:
    """Large enough that DuckDB cuts it in pieces, with quoted lines that look like records at the cuts."""
    taken = 0
    for seed in range(3):
        chance = random.Random(seed)
        lookalike = "x,y,1\n" * 40
        tricky = [lookalike + "z", 'a\n"b",', "plain", 'q "w" e' * 20, "1\n\n2" * 30]
        table = [(chance.choice(tricky), chance.choice(tricky), number) for number in range(90_000)]
        lines = (f"{written(a, False)},{written(b, False)},{number}\n" for a, b, number in table)
        quick = fast(tmp_path, ("a,b,n\n" + "".join(lines)).encode())
        # Where its threads cannot agree, DuckDB says so, and the exact way is taken.
        assert quick is None or quick == table
        taken += quick is not None
    assert taken
