"""`load` from files to the landing zone: what is landed, what the ledger says, when nothing is done."""

from __future__ import annotations

import codecs
import json
import zipfile
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from armazem.contract import TABLES, table
from armazem.contract.render import duckdb_columns
from armazem.errors import SourceError
from armazem.home import Home
from armazem.landing import Progress, load, parquet_files, read_ledger

from .data import ROWS, csv, header, landed, leftovers, rejects, single, write


def test_nine_files(tmp_path: Path, home: Home) -> None:
    steps: list[Progress] = []
    result = load(write(tmp_path / "in"), home, on_progress=steps.append)
    assert result.warnings == []
    assert result.rejects_path is None
    assert [row.table for row in result.files] == [t.name for t in TABLES]
    assert {(row.rows_read, row.rows_accepted, row.rows_rejected) for row in result.files} == {
        (2, 2, 0),
        (1, 1, 0),
    }
    assert landed(home, "orders")[1] == ("o2", "c2", "canceled", datetime(2018, 2, 3, 0, 0, 1), *[None] * 4)
    assert landed(home, "order_items")[0][-2:] == (Decimal("58.90"), Decimal("13.29"))
    assert landed(home, "customers")[0][2] == "01037"
    assert [step.step for step in steps] == ["reading", "done"] * 9
    assert not list(home.rejects.iterdir()) and not leftovers(home)


def test_types_are_those_of_the_contract_on_both_ways(tmp_path: Path, home: Home) -> None:
    load(write(tmp_path / "in"), home)
    # One bad row each: the exact way.
    broken = {t.name: csv(t.name) + b"x\n" for t in TABLES}
    load(write(tmp_path / "in", **broken), home)
    for contract in TABLES:
        first, second = parquet_files(home, contract.name)
        for path in (first, second):
            described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
            assert {row[0]: row[1] for row in described} == duckdb_columns(contract), path
        rows = landed(home, contract.name)
        assert rows[: len(rows) // 2] == rows[len(rows) // 2 :]


def test_the_ledger(tmp_path: Path, home: Home) -> None:
    result = load(write(tmp_path / "in"), home)
    assert read_ledger(home) == result.files
    row = result.files[0]
    assert json.loads(json.dumps(asdict(row))) == asdict(row)
    assert (row.load_id, row.path, row.encoding) == (result.load_id, "olist_orders_dataset.csv", "utf-8")
    assert (row.status, row.size_bytes, len(row.sha256)) == ("loaded", len(csv("orders")), 64)
    assert datetime.fromisoformat(row.loaded_at).tzinfo is not None
    assert result.load_id is not None and len(result.load_id) == len("20260101T000000000000Z")


def test_loading_again_changes_nothing(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in")
    first = load(folder, home)
    before = sorted(home.root.rglob("*"))
    again = load(folder, home)
    assert again.load_id is None
    assert {row.status for row in again.files} == {"unchanged"}
    assert {row.load_id for row in again.files} == {first.load_id}
    assert sorted(home.root.rglob("*")) == before
    assert read_ledger(home) == first.files


def test_only_what_changed_is_loaded(tmp_path: Path, home: Home) -> None:
    first = load(write(tmp_path / "in"), home)
    more = csv("sellers", [["s2", "04195", "sao paulo", "SP"]])
    second = load(write(tmp_path / "in", sellers=more), home)
    assert [row.table for row in second.files if row.status == "loaded"] == ["sellers"]
    assert [path.parent.name for path in parquet_files(home, "sellers")] == [first.load_id, second.load_id]
    assert [row[0] for row in landed(home, "sellers")] == ["s1", "s2"]
    assert len(read_ledger(home)) == 10


def test_force_loads_again(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in")
    load(folder, home)
    forced = load(folder, home, force=True)
    assert forced.load_id is not None
    assert len(parquet_files(home, "orders")) == 2


def test_a_single_file_and_a_partial_folder(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in", orders=None)
    with pytest.raises(SourceError, match=r"lacks olist_orders_dataset\.csv"):
        load(folder, home)
    assert not parquet_files(home, "sellers") and not leftovers(home)
    assert len(load(folder, home, partial=True).files) == 8
    (tmp_path / "orders.csv").write_bytes(csv("orders"))
    assert [row.table for row in load(tmp_path / "orders.csv", home).files] == ["orders"]


def test_a_zip_with_a_sub_folder(tmp_path: Path, home: Home) -> None:
    with zipfile.ZipFile(tmp_path / "olist.zip", "w") as archive:
        for contract in TABLES:
            archive.writestr(f"archive/{contract.file}", csv(contract.name))
    result = load(tmp_path / "olist.zip", home)
    assert result.files[0].path == "olist.zip!archive/olist_orders_dataset.csv"
    assert len(landed(home, "orders")) == 2
    # The same bytes from somewhere else are still the same bytes.
    assert load(write(tmp_path / "in"), home).load_id is None


def test_duplicate_keys_are_all_landed(tmp_path: Path, home: Home) -> None:
    load(single(tmp_path / "in", "sellers", csv("sellers", ROWS["sellers"] * 2)), home)
    assert len(landed(home, "sellers")) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, home: Home, end: str) -> None:
    load(single(tmp_path / "in", "orders", csv("orders", end=end)), home)
    assert [row[0] for row in landed(home, "orders")] == ["o1", "o2"]


def test_quotes_and_line_breaks_in_comments(tmp_path: Path, home: Home) -> None:
    row = ["r1", "o1", "5", "", '"Recomendo 😀 ""muito"", sim\r\n\r\nveio"', "2018-01-01", ""]
    load(single(tmp_path / "in", "order_reviews", csv("order_reviews", [row, row])), home)
    assert [row[4] for row in landed(home, "order_reviews")] == ['Recomendo 😀 "muito", sim\r\n\r\nveio'] * 2


def test_a_byte_order_mark_and_a_quoted_header(tmp_path: Path, home: Home) -> None:
    quoted = ",".join(f' "{name.upper()}" ' for name in header("sellers"))
    data = codecs.BOM_UTF8 + quoted.encode() + b"\ns1,04195,sp,SP\n"
    result = load(single(tmp_path / "in", "sellers", data), home)
    assert result.warnings == []
    assert landed(home, "sellers") == [("s1", "04195", "sp", "SP")]


def test_windows_1252(tmp_path: Path, home: Home) -> None:
    city = "santa bárbara d’oeste €"
    data = csv("sellers", [["s1", "04195", city, "SP"], ["s2", "1", "-", "SP"]]).decode().encode("cp1252")
    # A byte without a character, as browsers read it.
    data = data.replace(b"s2,1,-", b"s2,1,x\x81")
    result = load(single(tmp_path / "in", "sellers", data), home)
    assert result.warnings == [
        "olist_sellers_dataset.csv is not UTF-8: read as Windows-1252 (--encoding says otherwise)"
    ]
    assert {row.table: row.encoding for row in result.files}["sellers"] == "windows-1252"
    assert [row[2] for row in landed(home, "sellers")] == [city, "x\x81"]


def test_a_forced_encoding(tmp_path: Path, home: Home) -> None:
    data = csv("sellers", [["s1", "0", "são paulo", "SP"], ["s2", "0", "rio", "RJ"]]).decode().encode("latin-1")
    result = load(single(tmp_path / "in", "sellers", data), home, encoding="utf-8")
    assert [row[0] for row in landed(home, "sellers")] == ["s2"]
    assert result.warnings == []
    data = csv("customers", [["c1", "u1", "0", "é", "SP"]])
    load(single(tmp_path / "in", "customers", data), home, encoding="latin-1", force=True)
    assert landed(home, "customers")[-1][3] == "Ã©"
    with pytest.raises(SourceError, match="'utf-16' is not an encoding"):
        load(tmp_path / "in", home, encoding="utf-16")


@pytest.mark.parametrize(("delimiter", "option"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_other_delimiters(tmp_path: Path, home: Home, delimiter: str, option: str) -> None:
    (tmp_path / "sellers.csv").write_bytes(csv("sellers", delimiter=delimiter))
    load(tmp_path / "sellers.csv", home, delimiter=option)
    assert landed(home, "sellers") == [tuple(ROWS["sellers"][0])]
    for impossible in ("", ",,", '"', " ", "a", "\n", "-"):
        with pytest.raises(SourceError, match="cannot separate columns"):
            load(tmp_path / "sellers.csv", home, delimiter=impossible)


def test_columns_in_any_order_misspelt_and_unknown(tmp_path: Path, home: Home) -> None:
    names = [name.replace("name_length", "name_lenght") for name in header("products")]
    values = ROWS["products"][0]
    data = "\n".join(",".join([*reversed(line), last]) for line, last in ((names, "colour"), (values, "red")))
    result = load(single(tmp_path / "in", "products", data.encode()), home)
    assert result.warnings == ["olist_products_dataset.csv: column colour is not in the contract and is left out"]
    assert landed(home, "products")[0][:4] == ("p1", "perfumaria", 40, 287)


def test_pandas_floats_and_blank_lines(tmp_path: Path, home: Home) -> None:
    row = ["p1", "", "40.0", "", "1.0", "225.0", "", "", ""]
    data = csv("products", [row]) + b"\n\r\n"
    result = load(single(tmp_path / "in", "products", data), home)
    assert {r.table: r.rows_read for r in result.files}["products"] == 1
    assert landed(home, "products")[0][2:6] == (40, None, 1, Decimal("225.000"))


def test_header_only(tmp_path: Path, home: Home) -> None:
    result = load(single(tmp_path / "in", "sellers", csv("sellers", [])), home)
    assert result.warnings == ["olist_sellers_dataset.csv has a header and no rows"]
    assert landed(home, "sellers") == []
    assert len(parquet_files(home, "sellers")) == 1


def test_a_path_with_characters_of_patterns_and_quotes(tmp_path: Path) -> None:
    odd = tmp_path / "it's [a] *test*"
    home = Home(odd / "home")
    load(write(odd / "in"), home)
    assert len(parquet_files(home, "orders")) == 1


def test_every_row_has_its_record_number(tmp_path: Path, home: Home) -> None:
    # Over 16 MiB, so that DuckDB reads it in pieces, with two threads.
    time = "2018-01-02 10:56:33"
    many = [[f"o{number:031}", f"c{number:031}", "delivered", *[time] * 5] for number in range(120_000)]
    load(single(tmp_path / "in", "orders", csv("orders", many)), home)
    bad = [["o x", *row[1:]] if number % 50_000 == 0 else row for number, row in enumerate(many)]
    result = load(single(tmp_path / "in", "orders", csv("orders", bad)), home)
    good, mended = ([row[0] for row in _rows(path)] for path in parquet_files(home, "orders"))
    assert good == [row[0] for row in many]
    assert mended == [row[0] for row in bad if row[0] != "o x"]
    assert [reject["line"] for reject in rejects(result.rejects_path, "orders")] == [2, 50_002, 100_002]


def _rows(path: Path) -> list[tuple[str]]:
    return duckdb.sql(f"SELECT order_id FROM read_parquet('{path}') ORDER BY file_row_number").fetchall()


def test_the_fixtures_are_of_the_contract() -> None:
    assert all(len(row) == len(table(name).columns) for name, rows in ROWS.items() for row in rows)
