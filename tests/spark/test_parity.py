"""What lands by Spark is what lands by `load`: rows, their order, rejects, and all tables that are built from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from landing.data import ROWS, csv, landed, single

from armazem.build.run import BuildRequest, build
from armazem.config import Settings, load_settings
from armazem.contract import table as contract
from armazem.landing import load as load_files
from armazem.landing.validation import Written
from armazem.shop.history import generate
from armazem.targets.registry import target_of

from .conftest import Loader
from .dirty import LINES, dirty
from .shops import Zones, land_in_all, published, rejects, rejects_in_lake, rows, told

if TYPE_CHECKING:
    from conftest import Numbers
    from pyspark.sql import SparkSession


@pytest.fixture
def zones(tmp_path: Path, settings: Settings) -> Zones:
    return Zones.below(tmp_path, settings)


@pytest.fixture
def by_reader(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables whose files the landing's reader read instead of Spark."""
    from armazem.spark import reading

    seen: list[str] = []
    convert = reading.convert

    def watched(connection, file, *others):  # type: ignore[no-untyped-def]
        seen.append(file.table.name)
        return convert(connection, file, *others)

    monkeypatch.setattr(reading, "convert", watched)
    return seen


def compare(zones: Zones) -> None:
    assert rows(zones.lake) == rows(zones.home)
    assert rows(zones.spark) == rows(zones.home)
    assert rejects(zones.spark) == rejects(zones.lake) == rejects(zones.home)
    assert rejects_in_lake(zones.spark) == rejects_in_lake(zones.lake)


@pytest.mark.slow
def test_generated_orders_a_second_extract_and_an_unload(
    zones: Zones, load: Loader, tmp_path: Path, by_reader: list[str], numbers: Numbers
) -> None:
    generate(tmp_path / "first", orders=numbers.spark_orders, seed=42)
    generate(tmp_path / "second", orders=300, seed=7)
    with (tmp_path / "second" / "olist_order_payments_dataset.csv").open("ab") as payments:
        payments.write(b"x,1,gold,1,5.00\n")
    ids = []
    for source in (tmp_path / "first", tmp_path / "second"):
        results = land_in_all(zones, load, source)
        assert told(results[2]) == told(results[1]) == told(results[0])
        ids.append([result.load_id for result in results])
    # The categories begin with a byte order mark, as Olist's do.
    assert sorted(by_reader) == ["order_payments", "product_category_name_translation"]
    compare(zones)
    # Of the lake by `load` the rows are enough: tests/lake builds from them.
    for settings in (zones.home, zones.spark):
        build(settings, BuildRequest())
    assert published(zones.spark) == published(zones.home)
    for settings, load_id in zip(zones.all, ids[1], strict=True):
        target_of(settings).withdraw(str(load_id), print)
    compare(zones)
    for settings in (zones.home, zones.spark):
        build(settings, BuildRequest())
    assert published(zones.spark) == published(zones.home)


def test_dirty_rows(zones: Zones, load: Loader, tmp_path: Path) -> None:
    results = land_in_all(zones, load, dirty(tmp_path / "in"))
    assert told(results[2]) == told(results[1]) == told(results[0])
    compare(zones)
    codes = {row["code"] for row in rejects(zones.spark)}
    assert codes >= {
        "bad_identifier", "bad_quote", "bad_timestamp", "bad_value", "missing_field", "negative_amount", "not_utf8",
        "nul_byte", "unterminated_quote", "wrong_column_count", "wrong_type",
    }  # fmt: skip


CASES = {
    "ids with dashes and capitals": (
        "orders",
        csv("orders", [["A-1", "C1", "created", "2018-01-02 10:56:33", "", "", "", ""]]),
        {},
    ),
    "null words": (
        "orders",
        csv("orders", [["o1", "c1", "created", "2018-01-02 10:56:33", "NULL", "NaT", "0000-00-00", "-"]]),
        {},
    ),
    "times with a zone": (
        "orders",
        csv(
            "orders",
            [["o1", "c1", "created", "2018-01-02T10:56:33Z", "2018-01-02 10:56:33.5 UTC", "2018-01-02", "", ""]],
        ),
        {},
    ),
    "a quoted header": ("orders", b'"' + csv("orders").replace(b"\n", b'"\n', 1).replace(b",", b'","', 7), {}),
    "semicolons and decimal commas": (
        "order_items",
        csv(
            "order_items",
            [["o1", "1", "p1", "s1", "", "58,90", "1.000"], ["o1", "2", "p1", "s1", "", "7", ",5"]],
            delimiter=";",
        ),
        {"delimiter": ";", "decimal": ","},
    ),
    "decimal commas only": (
        "order_items",
        csv("order_items", [["o1", "1", "p1", "s1", "", "58,90", "1"]], delimiter=";"),
        {"delimiter": ";", "decimal": ","},
    ),
    "line breaks in quotes": (
        "order_reviews",
        csv(
            "order_reviews",
            [["r1", "o1", "4", "", '"a\r\n""b""\n\nc,d"', "", ""], ["r2", "o1", "5", '"x"', "", "", ""]],
            end="\r\n",
        ),
        {},
    ),
    "a quote that never ends": (
        "order_reviews",
        csv(
            "order_reviews", [["r1", "o1", "4", "", '"a', "", ""], *[["r2", "o1", "5", "", "x" * 900, "", ""]] * 1_300]
        ),
        {},
    ),
    "old line ends": ("sellers", csv("sellers", end="\r"), {}),
    "empty lines": ("sellers", csv("sellers").replace(b"\n", b"\r\n\n\r\n") + b"   \n", {}),
    "one line without its end": ("customers", csv("customers").rstrip(b"\n"), {}),
    "a header and no rows": ("customers", csv("customers", []), {}),
    "zips of a spreadsheet": ("customers", csv("customers", [["c1", "u1", "1037.0", "sao paulo", "SP"]]), {}),
    "windows-1252": (
        "sellers",
        "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,01037,Maceió – “AL”,AL\n".encode("cp1252"),
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_files_of_other_programs_look_like(name: str, zones: Zones, load: Loader, tmp_path: Path) -> None:
    table, content, options = CASES[name]
    results = land_in_all(zones, load, single(tmp_path, table, content), **options)
    assert told(results[2]) == told(results[1]) == told(results[0])
    compare(zones)


def test_every_kind_of_dirty_row_alone(spark: SparkSession, tmp_path: Path) -> None:
    """So that one reason to doubt hides no other: Spark is sure of no row that the landing refuses."""
    from armazem.spark.validation import considered

    rows = {name: list(lines) for name, lines in LINES.items()}
    rows["product_category_name_translation"] = ["product_category_name,product_category_name_english", "a,b", "a,"]
    for name, lines in rows.items():
        table = contract(name)
        places = {column.name: place for place, column in enumerate(table.columns)}
        spark.createDataFrame(list(enumerate(lines)), "n long, raw string").createOrReplaceTempView("lines")
        query = considered(table, "lines", places, len(places), delimiter=",", written=Written(), keep=("n",))
        found = {row[0]: (row[1:-1], row[-1]) for row in spark.sql(query).collect()}
        refused = 0
        for number, line in enumerate(lines):
            home = load_settings(home=tmp_path / f"{name}{number}")
            # A good row besides, as a file with none is refused as a whole.
            content = csv(name) + f"{line}\n".encode()
            load_files(single(tmp_path, name, content), home.home_folder)
            accepted = landed(home.home_folder, name)[len(ROWS[name]) :]
            values, doubt = found[number]
            assert doubt or accepted == [values], line
            refused += not accepted
            assert accepted or doubt, line
        assert refused
