"""What `load` refuses: single rows, with their line and bytes, and whole files, with nothing landed."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from armazem.errors import SourceError
from armazem.home import Home
from armazem.landing import load, parquet_files, read_ledger

from .data import ROWS, csv, header, landed, leftovers, rejects, single, write

GOOD = "s1,04195,sao paulo,SP"
HEADER = ",".join(header("sellers"))


def sellers(*lines: str | bytes) -> bytes:
    """A file of sellers with these lines."""
    return b"\n".join(line.encode() if isinstance(line, str) else line for line in (HEADER, *lines)) + b"\n"


def nothing_landed(home: Home) -> bool:
    return not list(home.loads.iterdir()) and not read_ledger(home) and not leftovers(home)


def test_rejects_have_line_column_code_message_and_raw(tmp_path: Path, home: Home) -> None:
    data = sellers(GOOD, "", '"s2","1","a\nb",SP', "s 3,1,x,SP", GOOD, ",1,x,SP", "s4,1", GOOD)
    result = load(single(tmp_path / "in", "sellers", data), home)
    assert [row[0] for row in landed(home, "sellers")] == ["s1", "s2", "s1", "s1"]
    row = next(row for row in result.files if row.table == "sellers")
    assert (row.rows_read, row.rows_accepted, row.rows_rejected) == (7, 4, 3)
    assert result.rejects_path == home.rejects / str(result.load_id)
    file = {"file": "olist_sellers_dataset.csv"}
    assert rejects(result.rejects_path, "sellers") == [
        file
        | {
            "line": 6,
            "column": "seller_id",
            "code": "bad_identifier",
            "message": 'seller_id: "s 3" is no identifier: it has white space or an invisible character (U+0020)',
            "raw": "s 3,1,x,SP",
        },
        file
        | {
            "line": 8,
            "column": "seller_id",
            "code": "missing_field",
            "message": "seller_id is empty",
            "raw": ",1,x,SP",
        },
        file
        | {
            "line": 9,
            "column": None,
            "code": "wrong_column_count",
            "message": "2 fields, the header has 4",
            "raw": "s4,1",
        },
    ]


def test_rejects_whose_bytes_are_not_text(tmp_path: Path, home: Home) -> None:
    data = sellers("s0,1,são joão,SP", b"s1,1,s\xe3o,SP", "s2,1,nul\0,SP", GOOD)
    result = load(single(tmp_path / "in", "sellers", data), home)
    first, second = rejects(result.rejects_path, "sellers")
    assert (first["line"], first["code"]) == (3, "not_utf8")
    assert base64.b64decode(first["raw_base64"]) == b"s1,1,s\xe3o,SP"
    assert (second["line"], second["code"], second["raw"]) == (4, "nul_byte", "s2,1,nul\0,SP")
    assert [row[0] for row in landed(home, "sellers")] == ["s0", "s1"]


@pytest.mark.parametrize(
    ("table", "column", "value", "code", "said"),
    [
        ("order_items", "price", '"1,99"', "wrong_type", '"1,99" is not an amount with at most 2 decimals'),
        ("order_items", "price", "1.239", "wrong_type", "at most 2 decimals"),
        ("order_items", "price", "-0.01", "negative_amount", '"-0.01" is negative'),
        ("order_items", "order_item_id", "0", "bad_value", '"0" is not 1 or more'),
        ("order_items", "shipping_limit_date", "02/01/2018", "bad_timestamp", "is not a time like"),
        ("order_payments", "payment_type", "barter", "bad_value", "is not one of credit_card, boleto"),
        ("orders", "order_status", "lost", "bad_value", '"lost" is not one of created'),
        ("orders", "order_purchase_timestamp", "2018-01-02T10:00:00+99", "bad_timestamp", "is not a time"),
        ("order_reviews", "review_score", "6", "bad_value", '"6" is not between 1 and 5'),
        ("order_reviews", "review_score", "4.5", "wrong_type", '"4.5" is not an integer'),
        (
            "products",
            "product_weight_g",
            "x" * 99,
            "wrong_type",
            'x…" is not a number with at most 3 decimals',
        ),
        ("geolocation", "geolocation_lat", "inf", "wrong_type", '"inf" is not a finite number'),
        ("geolocation", "geolocation_lat", "nan", "missing_field", '"nan" means null'),
        ("order_items", "price", "0000-00-00", "missing_field", '"0000-00-00" means null'),
        ("orders", "order_id", "5.72613E+12", "bad_identifier", "a number that a spreadsheet shortened"),
        ("sellers", "seller_id", "\ufeffs2", "bad_identifier", "an invisible character (U+FEFF)"),
        ("customers", "customer_unique_id", "NULL", "missing_field", '"NULL" means null'),
        ("customers", "customer_unique_id", "", "missing_field", "customer_unique_id is empty"),
    ],
)
def test_bad_values(tmp_path: Path, home: Home, table: str, column: str, value: str, code: str, said: str) -> None:
    good = ROWS[table][0]
    bad = list(good)
    bad[header(table).index(column)] = value
    result = load(single(tmp_path / "in", table, csv(table, [good, bad, good])), home)
    (reject,) = rejects(result.rejects_path, table)
    assert (reject["line"], reject["column"], reject["code"]) == (3, column, code)
    assert said in reject["message"] and len(reject["message"]) < 220
    assert reject["raw"] == ",".join(bad)
    assert len(landed(home, table)) == 2


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        ("s9,041", "wrong_column_count"),
        ('s9,041,"sao pa', "unterminated_quote"),
        ("s 9,04195,sao paulo,S", "bad_identifier"),
    ],
)
def test_a_truncated_last_line(tmp_path: Path, home: Home, tail: str, code: str) -> None:
    result = load(single(tmp_path / "in", "sellers", sellers(GOOD, GOOD) + tail.encode()), home)
    (reject,) = rejects(result.rejects_path, "sellers")
    assert (reject["line"], reject["code"], reject["raw"]) == (4, code, tail)
    assert len(landed(home, "sellers")) == 2


def test_a_field_of_10_mb(tmp_path: Path, home: Home) -> None:
    large = f's2,1,"{"x" * (10 << 20)}",SP'
    result = load(single(tmp_path / "in", "sellers", sellers(GOOD, large, GOOD)), home)
    (reject,) = rejects(result.rejects_path, "sellers")
    assert (reject["line"], reject["code"], reject["raw"]) == (3, "too_large", large)
    assert len(reject["message"]) < 100
    assert len(landed(home, "sellers")) == 2


def test_a_quote_that_never_closes(tmp_path: Path, home: Home) -> None:
    result = load(single(tmp_path / "in", "sellers", sellers(GOOD, 's2,1,"open,SP', *[GOOD] * 5000)), home)
    (reject,) = rejects(result.rejects_path, "sellers")
    assert (reject["line"], reject["code"], reject["raw"]) == (3, "unterminated_quote", 's2,1,"open,SP')
    assert len(landed(home, "sellers")) == 5001


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\n\r\n", "is empty"),
        (csv("sellers").decode().encode("utf-16"), "is not a CSV file: it is encoded as UTF-16"),
        (csv("sellers").decode().encode("utf-16-le"), "is not a CSV file: its header has NUL bytes"),
        (b"PK\x03\x04" + bytes(range(256)), "is not a CSV file: it is a zip or an Excel workbook"),
        (bytes(range(1, 256)) * 10, "is not a CSV file"),
        (b"<!doctype html>\n<html>", "is not a CSV file of sellers: its first line is '<!doctype html>'"),
        (csv("sellers", delimiter=";"), "is not separated by ',': it seems to be ';'"),
        (csv("sellers", delimiter="\t"), "it seems to be '\\t'"),
        (b"seller_id,seller_city\ns1,sp\n", "lacks the columns seller_zip_code_prefix, seller_state"),
        (HEADER.encode() + b",Seller_ID\n", "has the column seller_id twice"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, home: Home, data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=re.escape(message)) as raised:
        load(single(tmp_path / "in", "sellers", data), home)
    assert "olist_sellers_dataset.csv" in str(raised.value)
    assert raised.value.hint
    assert nothing_landed(home) and not list(home.rejects.iterdir())


def test_the_flag_for_the_delimiter_is_named(tmp_path: Path, home: Home) -> None:
    with pytest.raises(SourceError) as raised:
        load(single(tmp_path / "in", "sellers", csv("sellers", delimiter=";")), home)
    assert raised.value.hint == "use --delimiter ';'"


def test_every_row_rejected(tmp_path: Path, home: Home) -> None:
    data = csv("order_items", [["o1", "1", "p", "s", "02/01/2018", "1.00", "1.00"]] * 3)
    with pytest.raises(SourceError, match=r"every row of olist_order_items_dataset\.csv was rejected") as raised:
        load(write(tmp_path / "in", order_items=data, sellers=sellers(GOOD, "x")), home)
    assert 'line 2: shipping_limit_date: "02/01/2018" is not a time' in str(raised.value)
    assert nothing_landed(home)
    (folder,) = home.rejects.iterdir()
    assert str(folder) in raised.value.hint
    assert len(rejects(folder, "order_items")) == 3
    assert len(rejects(folder, "sellers")) == 1


def test_strict(tmp_path: Path, home: Home) -> None:
    folder = single(tmp_path / "in", "sellers", sellers(GOOD, "x", "y"))
    with pytest.raises(SourceError, match=r"2 rows were rejected, the first in olist_sellers_dataset\.csv, line 3"):
        load(folder, home, strict=True)
    assert nothing_landed(home)
    (kept,) = home.rejects.iterdir()
    assert len(rejects(kept, "sellers")) == 2
    result = load(folder, home)
    assert result.load_id is not None and result.load_id > kept.name
    # Known bytes, but with rows that strict does not let pass.
    with pytest.raises(SourceError, match="2 rows were rejected"):
        load(folder, home, strict=True)
    assert load(write(tmp_path / "in"), home, strict=True).load_id is not None


def test_rejects_go_when_the_load_fails_for_another_reason(tmp_path: Path, home: Home) -> None:
    # The smallest file is read first: it has rejects; a larger one then fails the load.
    data = csv("geolocation", ROWS["geolocation"] * 50).replace(b"geolocation_lat", b"latitude")
    with pytest.raises(SourceError, match="geolocation_lat"):
        load(write(tmp_path / "in", sellers=sellers(GOOD, "x"), geolocation=data), home)
    assert nothing_landed(home)
    assert not list(home.rejects.iterdir())


def test_a_file_that_changes_meanwhile(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in")
    path = folder / "olist_sellers_dataset.csv"

    def grow(progress: object) -> None:
        with path.open("ab") as file:
            file.write(b"s9,1,x,SP\n")

    with pytest.raises(SourceError, match="changed while it was read"):
        load(path, home, on_progress=grow)
    assert nothing_landed(home)


def test_a_missing_source(tmp_path: Path, home: Home) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        load(tmp_path / "gone", home)
    assert not parquet_files(home, "orders") and nothing_landed(home)
