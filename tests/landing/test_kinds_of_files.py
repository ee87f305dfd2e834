"""Files that are no plain CSV: compressed, TSV, Parquet, archives; and what is named for what it is."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from armazem.contract import TABLES
from armazem.errors import SourceError
from armazem.home import Home
from armazem.landing import load

from .data import ROWS, csv, header, landed, rejects


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_compressed_and_tab_separated(tmp_path: Path, home: Home) -> None:
    (tmp_path / "olist_sellers_dataset.csv.gz").write_bytes(gzip.compress(csv("sellers")))
    (tmp_path / "customers.tsv").write_bytes(csv("customers", delimiter="\t"))
    (tmp_path / "Olist-Orders-2018-08-29.TSV.GZ").write_bytes(gzip.compress(csv("orders", delimiter="\t")))
    result = load(tmp_path, home, partial=True)
    assert result.warnings == []
    assert landed(home, "sellers") == [tuple(ROWS["sellers"][0])]
    assert len(landed(home, "customers")) == len(landed(home, "orders")) == 2
    # The same bytes, unpacked, were loaded before.
    (tmp_path / "sellers.csv").write_bytes(csv("sellers"))
    assert load(tmp_path / "sellers.csv", home).load_id is None


@pytest.mark.parametrize("name", ["olist.tar.gz", "olist.tgz", "olist.tar"])
def test_a_tar_archive(tmp_path: Path, home: Home, name: str) -> None:
    with tarfile.open(tmp_path / name, "w" if name.endswith("tar") else "w:gz") as archive:
        for contract in TABLES:
            member = tarfile.TarInfo(f"../deep/{contract.file}")
            data = csv(contract.name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    result = load(tmp_path / name, home)
    assert result.files[0].path == f"{name}!../deep/olist_orders_dataset.csv"
    assert len(landed(home, "orders")) == 2
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:200])
    with pytest.raises(SourceError, match="is damaged"):
        load(tmp_path / name, home)


def test_parquet_is_validated_like_csv(tmp_path: Path, home: Home) -> None:
    texts = {name: [row[i] for row in ROWS["orders"]] for i, name in enumerate(header("orders"))}
    load(parquet(tmp_path / "orders.parquet", **texts), home)
    utc = datetime(2018, 3, 2, 3, 4, 5, tzinfo=UTC)
    parquet(
        tmp_path / "orders.parquet",
        order_id=["o1", "o2", None, "o4"],
        customer_id=["c1", "null", "c3", "c4"],
        order_status=pa.array(["delivered"] * 4).dictionary_encode(),
        order_purchase_timestamp=pa.array([utc] * 4, pa.timestamp("ns", "America/New_York")),
        order_approved_at=pa.array([datetime(2018, 3, 2, 3, 4, 5, 123456)] * 4, pa.timestamp("us")),
        order_delivered_carrier_date=pa.array([None] * 4, pa.timestamp("ms")),
        order_delivered_customer_date=pa.array([utc.date()] * 4),
        order_estimated_delivery_date=["", "NaT", "2018-03-02", "02/03/2018"],
        extra=[1, 2, 3, 4],
    )
    result = load(tmp_path / "orders.parquet", home)
    first = ("o1", "c1", "delivered", datetime(2018, 3, 2, 0, 4, 5), datetime(2018, 3, 2, 3, 4, 5, 123456))
    assert landed(home, "orders")[2:] == [(*first, None, datetime(2018, 3, 2), None)]
    found = rejects(result.rejects_path, "orders")
    assert [(row["line"], row["column"], row["code"]) for row in found] == [
        (2, "customer_id", "missing_field"),
        (3, "order_id", "missing_field"),
        (4, "order_estimated_delivery_date", "bad_timestamp"),
    ]
    assert json.loads(found[0]["raw"])["customer_id"] == "null"
    assert json.loads(found[2]["raw"])["order_id"] == "o4"
    assert [warning.partition(": ")[2] for warning in result.warnings] == [
        "column extra is not in the contract and is left out",
        "",
    ]


def test_numbers_in_parquet_stay_exact(tmp_path: Path, home: Home) -> None:
    items = {
        "order_id": [b"o1", b"o2"],
        "order_item_id": pa.array([1, 2], pa.int8()),
        "product_id": ["p1", "p2"],
        "seller_id": ["s1", "s2"],
        "shipping_limit_date": ["", ""],
        "price": [0.1 + 0.2, 58.9],
        "freight_value": pa.array([Decimal("9999999999999.99"), Decimal("0.10")], pa.decimal128(18, 2)),
    }
    load(parquet(tmp_path / "order_items.parquet", **items), home, decimal=",")
    assert [row[-2:] for row in landed(home, "order_items")] == [
        (Decimal("0.30"), Decimal("9999999999999.99")),
        (Decimal("58.90"), Decimal("0.10")),
    ]
    (tmp_path / "sellers.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"sellers\.parquet cannot be read as Parquet"):
        load(tmp_path / "sellers.parquet", home)


def test_what_is_of_another_kind_is_named(tmp_path: Path, home: Home) -> None:
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    for name, data, what, hint in (
        ("sellers.xlsx", b"?", "is an Excel workbook", "save each sheet as CSV"),
        ("sellers.csv", workbook.getvalue(), "is not a CSV file: it is an Excel workbook", "save each sheet as CSV"),
        ("shop.db", b"?", "is a SQLite database", "sqlite3 -header -csv"),
        ("sellers", b"SQLite format 3\0", "is a SQLite database", "sqlite3 -header -csv"),
        ("sellers.csv", gzip.compress(b"x"), "is gzip-compressed", r"ends in \.csv\.gz"),
        ("sellers.csv", "a,b".encode("utf-16"), "is encoded as UTF-16", "save it as UTF-8"),
        ("sellers.csv.gz", csv("sellers"), "is damaged: Not a gzipped file", "is it compressed at all"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match=what) as raised:
            load(tmp_path / name, home)
        assert re.search(hint, raised.value.hint), raised.value.hint
    folder = tmp_path / "workbooks"
    folder.mkdir()
    (folder / "olist.xlsx").write_bytes(workbook.getvalue())
    with pytest.raises(SourceError, match="is an Excel workbook"):
        load(folder, home)


def test_columns_that_no_model_needs_may_be_missing(tmp_path: Path, home: Home) -> None:
    (tmp_path / "products.csv").write_bytes(b"product_id,product_category_name\np1,perfumaria\n")
    result = load(tmp_path / "products.csv", home)
    assert landed(home, "products") == [("p1", "perfumaria", *[None] * 7)]
    assert len(result.warnings) == 1 and "which no model needs: null in every row" in result.warnings[0]
    (tmp_path / "products.csv").write_bytes(b"product_id,product_category_name\np1,x\np 2,x\n")
    load(tmp_path / "products.csv", home)  # the exact way
    assert landed(home, "products")[1:] == [("p1", "x", *[None] * 7)]


def test_many_unknown_columns_are_one_warning(tmp_path: Path, home: Home) -> None:
    others = ",".join(f"extra_{number}" for number in range(300))
    lines = [f"{','.join(header('sellers'))},{others}", f"s1,1,x,SP{',' * 300}"]
    (tmp_path / "sellers.csv").write_text("\n".join(lines))
    result = load(tmp_path / "sellers.csv", home)
    assert result.warnings == [
        "sellers.csv: 300 columns are not in the contract and are left out: "
        "extra_0, extra_1, extra_2, extra_3, extra_4 …"
    ]


@pytest.mark.parametrize("table", [contract.name for contract in TABLES])
def test_a_header_that_comes_again(tmp_path: Path, home: Home, table: str) -> None:
    names = header(table)
    good = ",".join(ROWS[table][0])
    again = [",".join(names), "\ufeff" + ",".join(f'"{name.upper()}"' for name in names), ",".join(names) + "\r"]
    lines = [",".join(names), good, *again, good]
    (tmp_path / f"{table}.csv").write_bytes("\n".join(lines).encode())
    result = load(tmp_path / f"{table}.csv", home)
    assert len(landed(home, table)) == 2
    found = rejects(result.rejects_path, table)
    assert [(row["line"], row["code"], row["message"]) for row in found] == [
        (line, "bad_value", "the header line comes again") for line in (3, 4, 5)
    ]
    assert found[1]["raw"] == again[1]
    assert any("3 of 5 rows" in warning and "as bad_value" in warning for warning in result.warnings)


def test_a_decimal_comma_is_named(tmp_path: Path, home: Home) -> None:
    items = [["o1", "1", "p1", "s1", "", "58,90", "13,29"]] * 2
    (tmp_path / "order_items.csv").write_bytes(csv("order_items", items, delimiter=";"))
    with pytest.raises(SourceError, match="every row") as raised:
        load(tmp_path / "order_items.csv", home, delimiter=";")
    assert "--decimal ','" in raised.value.hint
    load(tmp_path / "order_items.csv", home, delimiter=";", decimal=",")
    assert landed(home, "order_items")[0][-2:] == (Decimal("58.90"), Decimal("13.29"))


def test_the_delimiter_of_a_quoted_header_is_named(tmp_path: Path, home: Home) -> None:
    quoted = [[f'"{name}"' for name in header("sellers")], ['"s1"', '"1"', '"x"', '"SP"']]
    for delimiter, shown in ((";", ";"), ("\t", "\\t"), ("|", "|")):
        (tmp_path / "sellers.csv").write_text("\n".join(delimiter.join(row) for row in quoted))
        with pytest.raises(SourceError) as raised:
            load(tmp_path / "sellers.csv", home)
        assert raised.value.hint == f"use --delimiter '{shown}'"
